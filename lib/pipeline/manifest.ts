/**
 * Manifests: many jobs in one file. JSON, either a list of jobs or an object with defaults for all:
 *
 *     { "task": "osm-mapsforge", "params": { "type": "hd" },
 *       "jobs": [ { "params": { "area": "europe/monaco" } }, { "params": { "area": "europe/malta" }, "priority": 0 } ] }
 *
 * or JSON Lines, one job a line: `{ "task": "osm-mapsforge", "params": { "area": "europe/monaco" } }`.
 */
import * as z from 'zod';
import type { Params } from './job.ts';
import { JobMessage } from './messages.ts';

const Entry = z.strictObject({
  task: z.string().optional(),
  params: JobMessage.shape.params.optional(),
  priority: z.int().min(0).max(9).optional(),
});
type Entry = z.infer<typeof Entry>;

const Whole = z.strictObject({ ...Entry.shape, jobs: z.array(Entry) });

export interface ManifestJob {
  task: string;
  params: Params;
  priority: number;
}

export interface ManifestDefaults {
  task?: string;
  params?: Params;
}

/** Manifests are bulk work: what people drop meanwhile goes first. */
const BULK = 5;

/** The message names the manifest, the line or entry, and what is wrong there. */
export class BadManifestError extends Error {
  override name = 'BadManifestError';
}

/** `name` is only for messages. `defaults` give way to what the manifest says itself. Throws {@link BadManifestError}. */
export function readManifest(text: string, name: string, defaults: ManifestDefaults = {}): ManifestJob[] {
  const { entries, common } = parse(text, name);
  if (entries.length === 0) throw new BadManifestError(`${name} names no jobs`);
  return entries.map(({ entry, where }) => {
    const task = entry.task ?? common.task ?? defaults.task;
    if (task === undefined)
      throw new BadManifestError(`${name}, ${where}: it says no task, e.g. "task": "osm-mapsforge"`);
    return {
      task,
      params: { ...defaults.params, ...common.params, ...entry.params },
      priority: entry.priority ?? common.priority ?? BULK,
    };
  });
}

interface Parsed {
  entries: { entry: Entry; where: string }[];
  common: Entry;
}

function parse(text: string, name: string): Parsed {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return { entries: parseLines(text, name), common: {} };
  }
  // A single line of JSON Lines is JSON too: an object without `jobs` is one job.
  const isWhole = typeof whole === 'object' && whole !== null && 'jobs' in whole;
  const common = isWhole ? check(Whole, whole, name, 'the manifest') : { jobs: [] };
  const list: unknown[] = isWhole ? common.jobs : Array.isArray(whole) ? whole : [whole];
  const entries = list.map((one, at) => {
    const where = `job ${at + 1}`;
    return { entry: check(Entry, one, name, where), where };
  });
  return { entries, common };
}

function parseLines(text: string, name: string): Parsed['entries'] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const where = `line ${at + 1}`;
    let one: unknown;
    try {
      one = JSON.parse(line);
    } catch (error) {
      throw new BadManifestError(
        `${name}, ${where}: it is not JSON (${(error as Error).message}). A manifest is one JSON document, or JSON Lines with a job on each line`,
        { cause: error },
      );
    }
    return [{ entry: check(Entry, one, name, where), where }];
  });
}

function check<S extends z.ZodType>(schema: S, value: unknown, name: string, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) =>
    `${path.map(String).join('.')} ${message}`.trim(),
  );
  throw new BadManifestError(`${name}, ${where}: ${faults.join('; ')}`);
}
