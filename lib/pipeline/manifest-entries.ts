/** From a manifest's text to its entries, each with its place in it: JSON or JSON Lines. */
import { isNativeError } from 'node:util/types';
import * as z from 'zod';
import type { IndexRequest, ManifestJob } from './manifest.ts';
import { manifestModel } from './manifest-model.ts';
import { JobMessage } from './messages.ts';

const MODEL = manifestModel(z.string(), JobMessage.shape.params);
/** Areas and jobs are fitted one by one, so that each fault names its entry. */
const Whole = MODEL.manifest.extend({
  areas: z.array(z.unknown()).default([]),
  jobs: z.array(z.unknown()).default([]),
});
type Entry = z.infer<typeof MODEL.job>;

export interface PlacedEntry {
  where: string;
  entry: Entry;
}

interface Entries {
  name?: string | undefined;
  entries: PlacedEntry[];
  request?: RequestEntry | undefined;
}

export type RequestEntry = Entry & Omit<IndexRequest, keyof ManifestJob>;

export function readEntries(text: string, file: string, faults: string[]): Entries {
  // A byte order mark is no JSON, but some editors write one.
  const content = text.replace(/^\uFEFF/, '');
  if (/\.(jsonl|ndjson)$/.test(file)) {
    return { entries: readLines(content, faults) };
  }
  const whole = parseJson(content);
  if (whole.value !== undefined) {
    return readWhole(whole.value, faults);
  }
  if (file.endsWith('.json')) {
    faults.push(`the manifest: it is not JSON (${whole.fault})`);
    return { entries: [] };
  }
  return { entries: readLines(content, faults) };
}

function readLines(text: string, faults: string[]): PlacedEntry[] {
  return text.split('\n').flatMap((line, index) => {
    const where = `line ${index + 1}`;
    if (line.trim() === '') {
      return [];
    }
    const { value, fault } = parseJson(line);
    if (value === undefined) {
      faults.push(
        `${where}: it is not JSON (${fault}). A manifest is one JSON document, or JSON Lines with a job on each line`,
      );
      return [];
    }
    return place(where, fit(MODEL.job, value, where, faults));
  });
}

function readWhole(value: unknown, faults: string[]): Entries {
  const readJobs = (jobs: unknown[]): PlacedEntry[] =>
    jobs.flatMap((job, index) => place(`job ${index + 1}`, fit(MODEL.job, job, `job ${index + 1}`, faults)));
  if (Array.isArray(value)) {
    return { entries: readJobs(value) };
  }
  // A single line of JSON Lines is a whole JSON document too: one job.
  const isMany =
    typeof value === 'object' && value !== null && ['jobs', 'areas', 'index'].some((key) => key in value);
  if (!isMany) {
    return { entries: readJobs([value]) };
  }
  const whole = fit(Whole, value, 'the manifest', faults);
  if (!whole) {
    return { entries: [] };
  }
  const entries = [
    ...whole.areas.flatMap((area, index) => readArea(area, `area ${index + 1}`, faults)),
    ...readJobs(whole.jobs),
  ];
  const { name, task, params, priority, index, include, exclude, collections } = whole;
  const choice = given({ include, exclude, whole: whole.whole, collections });
  if (index === undefined && Object.keys(choice).length > 0) {
    faults.push(
      `the manifest: ${Object.keys(choice).join(' and ')} choose from an "index", and it names none`,
    );
  }
  const withCommon = (entry: Entry): Entry => ({
    task: entry.task ?? task,
    params: { ...params, ...entry.params },
    priority: entry.priority ?? priority,
  });
  const request = index === undefined ? undefined : { ...withCommon({}), index, ...choice };
  return { name, entries: entries.map(({ where, entry }) => ({ where, entry: withCommon(entry) })), request };
}

const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

function readArea(value: unknown, where: string, faults: string[]): PlacedEntry[] {
  const area = fit(MODEL.area, typeof value === 'string' ? { area: value } : value, where, faults);
  if (!area) {
    return [];
  }
  const { area: id, ...entry } = area;
  return [{ where, entry: { ...entry, params: { ...entry.params, area: id } } }];
}

const place = (where: string, entry: Entry | undefined): PlacedEntry[] => (entry ? [{ where, entry }] : []);

function parseJson(text: string): { value?: unknown; fault?: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch (error) {
    return { fault: isNativeError(error) ? error.message : String(error) };
  }
}

function fit<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: string,
  faults: string[],
): z.output<S> | undefined {
  const { data, error } = schema.safeParse(value);
  for (const { path, message } of error?.issues ?? []) {
    faults.push(`${where}: ${path.length > 0 ? `${path.map(String).join('.')}: ` : ''}${message}`);
  }
  return data;
}
