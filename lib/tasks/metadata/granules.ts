/**
 * What a handler tells of the granules that it made, as `facts.granules` of its report: metadata in the archives' own forms is
 * written from it, and checks compare it with what a granule must have. Any task whose outputs are granules may use it.
 */
import * as z from 'zod';
import type { Report } from '../../pipeline/attempt-record.ts';
import type { Check } from '../define-task.ts';

const Box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const Time = z.iso.datetime();

export const GranuleFacts = z.looseObject({
  /** Name of the output. */
  file: z.string(),
  /** Name of the input that it was made from. */
  input: z.string(),
  /** Length of each dimension. */
  dimensions: z.record(z.string(), z.int().min(0)),
  /** First and last time, ISO 8601, UTC. */
  time: z.tuple([Time, Time]),
  /** `[west, south, east, north]` in degrees, WGS84; two across the 180th meridian. */
  boxes: z.array(Box).min(1),
  /** `[longitude, latitude]`, in the order in which it was flown. */
  track: z.array(z.tuple([z.number(), z.number()])).exactOptional(),
  /** Lowest, highest, unit. */
  altitude: z.tuple([z.number(), z.number(), z.string()]).exactOptional(),
  /** By name; a name with slashes is in a group. */
  variables: z.record(
    z.string(),
    z.looseObject({
      dimensions: z.array(z.string()),
      missing: z.number(),
      range: z.array(z.number()).exactOptional(),
    }),
  ),
});
export type GranuleFacts = z.infer<typeof GranuleFacts>;

const Facts = z.looseObject({ granules: z.array(GranuleFacts) });

/** Throws a ZodError that names what is missing: a handler that tells no granules has a fault that a retry cannot mend. */
export const granulesOf = (report: Report): GranuleFacts[] => Facts.parse(report.facts).granules;

/** Values that a variable has by its dimensions. */
export const valuesOf = (granule: GranuleFacts, { dimensions }: { dimensions: string[] }): number =>
  dimensions.reduce((product, dimension) => product * (granule.dimensions[dimension] ?? 1), 1);

/** Nothing was measured before the first sounding balloons. */
const EARLIEST = Date.parse('1900-01-01T00:00:00Z');

/** The report tells of this file: it has values along every dimension, and a time range that can be. */
export function granuleReport(): Check<unknown> {
  const check = 'granule report';
  return {
    name: check,
    async run(file, { report }) {
      const parsed = Facts.safeParse(report.facts);
      if (!parsed.success) {
        const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
        return {
          check,
          file: file.name,
          ok: false,
          detail: `the handler's report is not right: ${faults.join('; ')}`,
        };
      }
      const granule = parsed.data.granules.find((one) => one.file === file.name);
      if (!granule) return { check, file: file.name, ok: false, detail: 'the report does not tell of it' };
      const faults = faultsOf(granule);
      return {
        check,
        file: file.name,
        ok: faults.length === 0,
        detail: faults.length > 0 ? faults.join('; ') : summary(granule),
      };
    },
  };
}

function faultsOf(granule: GranuleFacts): string[] {
  const [begin, end] = granule.time.map((time) => Date.parse(time)) as [number, number];
  const faults = Object.entries(granule.dimensions)
    .filter(([, length]) => length === 0)
    .map(([name]) => `its dimension ${name} has no values`);
  if (begin > end) faults.push(`it ends (${granule.time[1]}) before it begins (${granule.time[0]})`);
  if (begin < EARLIEST || end > Date.now() + 86_400_000)
    faults.push(`its times ${granule.time.join(' to ')} cannot be`);
  for (const [west, south, east, north] of granule.boxes) {
    if (west < -180 || east > 180 || west > east || south < -90 || north > 90 || south > north)
      faults.push(`its box ${[west, south, east, north].join(',')} is none`);
  }
  for (const [name, variable] of Object.entries(granule.variables)) {
    const values = valuesOf(granule, variable);
    if (variable.missing > values)
      faults.push(
        `${name} lacks ${variable.missing} of ${values} values: has the report all its dimensions?`,
      );
  }
  const empty = Object.entries(granule.variables)
    .filter(([, variable]) => variable.missing > 0 && variable.missing >= valuesOf(granule, variable))
    .map(([name]) => name);
  if (empty.length > 0 && empty.length === Object.keys(granule.variables).length)
    faults.push('all its values are missing');
  return faults;
}

const summary = ({ dimensions, time, variables }: GranuleFacts): string =>
  `${Object.entries(dimensions)
    .map(([name, length]) => `${length} ${name}`)
    .join(' × ')}, ${time.join(' to ')}, ${Object.keys(variables).length} variables`;
