/**
 * Manifests: many jobs in one file. JSON: a list of jobs, or an object with areas and jobs and what they have in common:
 *
 *     { "task": "osm-mapsforge", "params": { "type": "hd" },
 *       "areas": ["europe/monaco", { "area": "europe/malta", "priority": 0 }],
 *       "jobs": [{ "params": { "area": "europe/andorra", "type": "ram" } }] }
 *
 * or JSON Lines, one job a line: `{ "task": "osm-mapsforge", "params": { "area": "europe/monaco" } }`. Instead of naming
 * areas it may name an index to choose them from (`"index"`, read by `resolve-manifest.ts`). One fault anywhere refuses it
 * whole, with all the others that it has: half a world is worse than none.
 */
import { isNativeError } from 'node:util/types';
import * as z from 'zod';
import type { TaskDefinition } from '../tasks/define-task.ts';
import type { Params } from './job.ts';
import { checkJobs } from './manifest-check.ts';
import { JobMessage } from './messages.ts';

/** Manifests are bulk work: what people drop meanwhile goes first. */
export const BULK_PRIORITY = 5;

export interface ManifestJob {
  task: string;
  /** Without the task's defaults; typed where the tasks are known. */
  params: Params;
  /** 0 (first) to 9. */
  priority: number;
}

/** Areas that are chosen from a published index, and what their jobs have in common. */
export interface IndexRequest extends ManifestJob {
  /** Path (from the manifest's folder) or address. */
  index: string;
  /** Ids, areas or globs on areas; without it all. */
  include?: string[];
  exclude?: string[];
  whole?: string[];
  collections?: string[];
}

export interface Manifest {
  /** Its own name, or its file's without the ending. */
  name: string;
  jobs: ManifestJob[];
  request?: IndexRequest;
}

export interface ManifestDefaults {
  task?: string;
  params?: Params;
}

export interface ManifestOptions {
  /** They give way to what the manifest says itself. */
  defaults?: ManifestDefaults;
  /** With them the names of the tasks and all parameters are checked too, and that no two jobs publish the same. */
  tasks?: ReadonlyMap<string, TaskDefinition>;
}

/** Every fault, each with the manifest, the place in it (`line 3`, `area 2`, `job 1`) and the path there. */
export class BadManifestError extends Error {
  override name = 'BadManifestError';
  readonly faults: string[];
  constructor(manifest: string, faults: string[], options?: ErrorOptions) {
    const told = together(faults);
    super(told.map((fault) => `${manifest}, ${fault}`).join('\n'), options);
    this.faults = told;
  }
}

/** A million faults help nobody. */
const MOST_FAULTS = 1000;
/** What is wrong with so many areas is likely wrong in one place, in what they have in common. Lines have nothing in common. */
const MOST_ALIKE = 20;

const textOf = (fault: string): string => fault.replace(/^[^:]*: /, fault.startsWith('line ') ? '$&' : '');

/** Faults of many areas in one, and not too many of them. */
function together(faults: string[]): string[] {
  const alike = Map.groupBy(faults, textOf);
  const told = faults.flatMap((fault) => {
    const text = textOf(fault);
    const all = alike.get(text)!;
    if (all.length <= MOST_ALIKE) return [fault];
    const where = fault.slice(0, fault.length - text.length).replace(/: $/, '');
    return fault === all[0] ? [`${where} and ${all.length - 1} more: ${text}`] : [];
  });
  if (told.length <= MOST_FAULTS) return told;
  return [...told.slice(0, MOST_FAULTS), `and ${told.length - MOST_FAULTS} faults more`];
}

/**
 * The shape of a manifest, given what tasks and parameters may be: any here, the known ones in the published JSON Schema
 * (`docs/manifest.schema.json`).
 */
export function manifestModel<T extends z.ZodType<string>, P extends z.ZodType>(task: T, params: P) {
  const common = {
    task: task.optional().describe('Task of the job; above areas and jobs, of all that name none'),
    params: params
      .optional()
      .describe('Parameters of the job; above areas and jobs, of all: a job’s own go before them'),
    priority: z
      .int()
      .min(0)
      .max(9)
      .optional()
      .describe('0 goes first, 9 last; 5 without it, behind live work'),
  };
  const job = z.strictObject(common);
  const area = z.strictObject({ area: z.string().describe('Its id, e.g. europe/monaco'), ...common });
  const patterns = z.array(z.string().min(1)).min(1);
  const manifest = z.strictObject({
    $schema: z.string().optional().describe('Where this schema is, for editors'),
    name: z.string().min(1).optional().describe('Name of the run; the name of the file without it'),
    ...common,
    areas: z
      .array(z.union([z.string(), area]))
      .optional()
      .describe('One job each, with the parameter area'),
    index: z
      .string()
      .regex(/^(https?:\/\/\S+|(?!\w+:\/\/).+)$/, 'a path, or an http(s) address')
      .optional()
      .describe(
        'Index of areas in Geofabrik’s format, a path from this file or an address: one job for each area that has no other within it',
      ),
    include: patterns
      .optional()
      .describe('Of the index only these: ids, areas or globs (europe/*), each with all within it'),
    exclude: patterns
      .optional()
      .describe('Of the index not these: ids, areas or globs (europe/*), each with all within it'),
    whole: patterns
      .optional()
      .describe('Of the index these are made as one, and not the areas within them: ids, areas or globs'),
    collections: patterns
      .optional()
      .describe(
        'Of the index these are put together from others and not made, areas within them are: ids, areas or globs',
      ),
    jobs: z.array(job).optional().describe('Jobs by their parameters'),
  });
  return { manifest, area, job };
}

const MODEL = manifestModel(z.string(), JobMessage.shape.params);
/** Areas and jobs are fitted one by one, so that each fault names its entry. */
const Whole = MODEL.manifest.extend({
  areas: z.array(z.unknown()).default([]),
  jobs: z.array(z.unknown()).default([]),
});
type Entry = z.infer<typeof MODEL.job>;

interface PlacedEntry {
  where: string;
  entry: Entry;
}

export interface PlacedJob {
  where: string;
  job: ManifestJob;
}

/** `file` names the manifest in messages; its ending (`.json`, `.jsonl`), if any, tells which it is. Throws {@link BadManifestError}. */
export function parseManifest(
  text: string,
  file: string,
  { defaults = {}, tasks }: ManifestOptions = {},
): Manifest {
  const faults: string[] = [];
  const { name, entries, request } = readEntries(text, file, faults);
  const placed = entries.flatMap((one) => toJob(one, defaults, faults));
  const asked = request && toRequest(request, defaults, faults);
  if (entries.length === 0 && !request && faults.length === 0) {
    faults.push('it names no jobs: give "areas", "jobs" or an "index", or a job on each line');
  }
  const jobs = tasks ? checkJobs(placed, tasks, faults) : placed;
  if (faults.length > 0) {
    throw new BadManifestError(file, faults);
  }
  return {
    name: name ?? baseName(file),
    jobs: jobs.map(({ job }) => job),
    ...(asked ? { request: asked } : {}),
  };
}

const baseName = (file: string): string =>
  file.slice(file.lastIndexOf('/') + 1).replace(/\.(json|jsonl|ndjson)$/, '');

// --- Reading ------------------------------------------------------------------------------------------------------

interface Entries {
  name?: string | undefined;
  entries: PlacedEntry[];
  request?: RequestEntry | undefined;
}

type RequestEntry = Entry & Omit<IndexRequest, keyof ManifestJob>;

function readEntries(text: string, file: string, faults: string[]): Entries {
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

// --- Completing ---------------------------------------------------------------------------------------------------

function toJob({ where, entry }: PlacedEntry, defaults: ManifestDefaults, faults: string[]): PlacedJob[] {
  const task = entry.task ?? defaults.task;
  if (task === undefined) {
    faults.push(`${where}: it says no task, e.g. "task": "osm-mapsforge"`);
    return [];
  }
  const params = { ...defaults.params, ...entry.params };
  return [{ where, job: { task, params, priority: entry.priority ?? BULK_PRIORITY } }];
}

function toRequest(
  entry: RequestEntry,
  defaults: ManifestDefaults,
  faults: string[],
): IndexRequest | undefined {
  const [placed] = toJob({ where: 'the index', entry }, defaults, faults);
  return placed && { ...entry, ...placed.job };
}
