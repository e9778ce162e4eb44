/** A manifest with all its jobs: those that it names, and those that it chooses from an index of areas. */
import { chooseAreas } from '../areas/choose.ts';
import { parseIndex, type IndexArea } from '../areas/geofabrik-index.ts';
import { simplifyArea, type Areas } from '../areas/shapes.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkJobs } from './manifest-check.ts';
import { BadManifestError } from './manifest-faults.ts';
import {
  parseManifest,
  type IndexRequest,
  type ManifestJob,
  type ManifestOptions,
  type PlacedJob,
} from './manifest.ts';

export interface ResolvedManifest {
  name: string;
  jobs: ManifestJob[];
  /** Shapes of the jobs whose areas the index knows. */
  areas?: Areas;
  /** What a person should know: a pattern of `exclude` that fits nothing. */
  notes: string[];
}

export interface ResolveOptions extends ManifestOptions {
  tasks: ReadonlyMap<string, TaskDefinition>;
  /** Text of the index that a manifest names, and where it was found. */
  readIndex: (index: string) => Promise<{ uri: string; text: string }>;
}

/** Throws {@link BadManifestError} or `BadIndexError`, with every fault, before anything is done. */
export async function resolveManifestText(
  text: string,
  file: string,
  { readIndex, ...options }: ResolveOptions,
): Promise<ResolvedManifest> {
  const { name, jobs, request } = parseManifest(text, file, options);
  if (!request) return { name, jobs, notes: [] };
  const { uri, text: indexText } = await readIndex(request.index);
  const known = parseIndex(indexText, uri);
  const { areas, notes, faults } = chooseAreas(known, request);
  const chosen = checkJobs(
    areas.map((area) => placedJob(area, request, options.tasks)),
    options.tasks,
    faults,
  );
  if (faults.length === 0 && chosen.length + jobs.length === 0)
    faults.push('the index: nothing is left of it to make, by include and exclude');
  if (faults.length > 0) throw new BadManifestError(file, faults);
  const all = withoutListed(
    jobs,
    chosen.map(({ job }) => job),
    options.tasks,
  );
  return { name, jobs: all, areas: shapesOf(all, known, options.tasks), notes };
}

function placedJob(
  { id, area, mirror }: IndexArea,
  { task, params, priority }: IndexRequest,
  tasks: ReadonlyMap<string, TaskDefinition>,
): PlacedJob {
  // Where the extracts lie is only worth saying where it is neither the task's own default nor the manifest's choice.
  const fallback = tasks.get(task)?.params.safeParse({ area }).data?.['mirror'];
  const takesMirror = fallback !== undefined && fallback !== mirror && params['mirror'] === undefined;
  return {
    where: `the index, ${id}`,
    job: { task, params: { ...params, area, ...(takesMirror ? { mirror } : {}) }, priority },
  };
}

/** An area that the manifest lists by itself is made as it says there. */
function withoutListed(
  listed: ManifestJob[],
  chosen: ManifestJob[],
  tasks: ReadonlyMap<string, TaskDefinition>,
): ManifestJob[] {
  const key = (job: ManifestJob): string => `${job.task} ${publishedAs(job, tasks)}`;
  const names = new Set(listed.map(key));
  return [...listed, ...chosen.filter((job) => !names.has(key(job)))];
}

const publishedAs = (job: ManifestJob, tasks: ReadonlyMap<string, TaskDefinition>): string | undefined => {
  const task = tasks.get(job.task);
  return task?.publishAs?.(task.params.parse(job.params));
};

function shapesOf(
  jobs: ManifestJob[],
  known: IndexArea[],
  tasks: ReadonlyMap<string, TaskDefinition>,
): Areas {
  const byArea = new Map(known.map((one) => [one.area, one]));
  const features = jobs.flatMap((job) => {
    const found = byArea.get(String(job.params['area']));
    const name = publishedAs(job, tasks);
    if (!found?.shape || name === undefined) return [];
    const properties = { task: job.task, name, title: found.title };
    return [simplifyArea({ type: 'Feature' as const, properties, geometry: found.shape })];
  });
  return { type: 'FeatureCollection', features };
}
