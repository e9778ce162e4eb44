/** `data/compare.json`: by which rules outputs are compared with golden data. Without it, or without a rule, nothing may differ. */
import picomatch from 'picomatch';
import * as z from 'zod';
import { BadGoldenError } from './errors.ts';

/** How two files are compared; the first of each line of endings that fits is taken where no rule says otherwise. */
const KINDS = {
  json: ['.json', '.geojson'],
  csv: ['.csv', '.tsv'],
  netcdf: ['.nc', '.nc4', '.cdf', '.h5', '.hdf5', '.he5', '.hdf'],
  text: ['.txt', '.md', '.xml', '.html', '.log', '.poly', '.met'],
  bytes: [],
  checksum: [],
  present: [],
} as const;

export type Kind = keyof typeof KINDS;

/** Which settings a kind knows: another one there would be passed over without a word. */
const KNOWS: Record<Kind, readonly (keyof Rule)[]> = {
  json: ['relative', 'absolute', 'ignore'],
  csv: ['relative', 'absolute', 'ignore'],
  netcdf: ['relative', 'absolute', 'ignore'],
  text: ['ignoreLines'],
  bytes: ['ignoreBytes'],
  checksum: [],
  present: ['size'],
};

const pattern = z.string().refine(isPattern, 'is no regular expression');

function isPattern(text: string): boolean {
  try {
    return new RegExp(text).source !== '';
  } catch {
    return false;
  }
}

export const Rule = z.strictObject({
  as: z
    .enum(Object.keys(KINDS) as [Kind, ...Kind[]])
    .exactOptional()
    .describe('How it is compared; by its ending where this is not given'),
  relative: z.number().min(0).exactOptional().describe('Numbers may differ by this share of the larger one'),
  absolute: z.number().min(0).exactOptional().describe('Numbers may differ by this much'),
  ignore: z
    .array(z.string().min(1))
    .exactOptional()
    .describe(
      'json: paths (properties.created, features[*].id, **.updated); csv: columns; netcdf: variables (/time, /qa/**) and attributes (@history, /sst@units)',
    ),
  ignoreLines: z.array(pattern).exactOptional().describe('text: lines that match one of these expressions'),
  ignoreBytes: z
    .array(z.tuple([z.int().min(0), z.int().min(0)]))
    .exactOptional()
    .describe('bytes: ranges, first and last offset'),
  size: z.number().min(0).exactOptional().describe('present: share by which the size may differ'),
});
export type Rule = z.infer<typeof Rule>;

export const CompareFile = z.strictObject({
  $schema: z.string().exactOptional(),
  metadata: z
    .boolean()
    .exactOptional()
    .describe("Also compare what the task file's metadata writers make (default: what the container made)"),
  ignoreFiles: z.array(z.string().min(1)).exactOptional().describe('Globs of outputs that are not looked at'),
  files: z
    .record(z.string().min(1), Rule)
    .exactOptional()
    .describe('Glob on the output’s name: its rule. The first that fits holds'),
});
export type CompareFile = z.infer<typeof CompareFile>;

export type ResolvedRule = Rule & { as: Kind };

/** Throws {@link BadGoldenError} with every fault. */
export function readCompare(value: unknown, where: string): CompareFile {
  const parsed = CompareFile.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw new BadGoldenError(`${where}: ${faults.join('; ')}`);
  }
  return parsed.data;
}

export const isIgnored = (compare: CompareFile, name: string): boolean =>
  (compare.ignoreFiles ?? []).some((glob) => picomatch.isMatch(name, glob, { dot: true }));

/** The rule for an output. Throws {@link BadGoldenError} where it has settings that its kind does not know. */
export function ruleFor(compare: CompareFile, name: string): ResolvedRule {
  const [glob, rule] = Object.entries(compare.files ?? {}).find(([one]) =>
    picomatch.isMatch(name, one, { dot: true }),
  ) ?? ['', {} satisfies Rule];
  const as = rule.as ?? kindByEnding(name);
  const strange = (Object.keys(rule) as (keyof Rule)[]).filter(
    (setting) => setting !== 'as' && !KNOWS[as].includes(setting),
  );
  if (strange.length > 0) {
    throw new BadGoldenError(
      `compare.json: the rule "${glob}" has ${strange.join(', ')}, but ${name} is compared as ${as}, which knows ${KNOWS[as].join(', ') || 'no settings'}`,
    );
  }
  return { ...rule, as };
}

function kindByEnding(name: string): Kind {
  const lower = name.toLowerCase();
  const found = (Object.keys(KINDS) as Kind[]).find((kind) =>
    KINDS[kind].some((ending) => lower.endsWith(ending)),
  );
  return found ?? 'bytes';
}
