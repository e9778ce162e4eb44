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
import type { TaskDefinition } from '../tasks/define-task.ts';
import type { Params } from './job.ts';
import { checkJobs } from './manifest-check.ts';
import { readEntries, type PlacedEntry, type RequestEntry } from './manifest-entries.ts';
import { BadManifestError } from './manifest-faults.ts';

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
