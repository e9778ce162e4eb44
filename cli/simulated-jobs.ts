/** The jobs of a manifest with sizes for them, where nothing may be asked of a network. */
import { readFile } from 'node:fs/promises';
import {
  BadManifestError,
  BULK_PRIORITY,
  parseManifest,
  type ManifestJob,
} from '../lib/pipeline/manifest.ts';
import type { SimulatedJob } from '../lib/simulate/scenario.ts';
import { cutInto, sizesOf, worldShape } from '../lib/simulate/world-shape.ts';
import { checkParams } from '../lib/tasks/params.ts';
import { UsageError } from './errors.ts';
import { findTask, type Tasks } from './tasks-folder.ts';

export interface SimulatedJobs {
  name: string;
  jobs: SimulatedJob[];
  /** Where the sizes are from: entries whose area the bundled table has, and entries of a size drawn from it. */
  sizes: { table: 'manifests/world-shape.json'; known: number; drawn: number };
  /** The jobs' limits that are named after mirrors. */
  mirrors: string[];
}

/** `world` is the shipped manifest. Throws {@link UsageError}. */
export async function readSimulatedJobs(
  manifest: string,
  tasks: Tasks,
  { seed, areas }: { seed: number; areas?: number },
): Promise<SimulatedJobs> {
  const { name, jobs } = await readJobs(manifest, tasks);
  const sizeOf = sizesOf(seed);
  let drawn = 0;
  const sized = jobs.map((job) => {
    const { bytes, known } = sizeOf(nameOf(job, tasks));
    if (!known) drawn += 1;
    return { ...job, bytes };
  });
  const cut = areas === undefined ? sized : cutInto(sized, areas, partOf);
  return {
    name,
    jobs: cut,
    sizes: { table: 'manifests/world-shape.json', known: jobs.length - drawn, drawn },
    mirrors: [...new Set(cut.flatMap((job) => limitsOf(job, tasks)))].filter((limit) =>
      limit.startsWith('mirror:'),
    ),
  };
}

async function readJobs(manifest: string, tasks: Tasks): Promise<{ name: string; jobs: ManifestJob[] }> {
  if (manifest === 'world') {
    const jobs = worldShape().map(({ area }) => ({
      task: 'osm-mapsforge',
      params: { area },
      priority: BULK_PRIORITY,
    }));
    return { name: 'world', jobs };
  }
  try {
    return parseManifest(await readFile(manifest, 'utf8'), manifest, { tasks });
  } catch (error) {
    if (error instanceof BadManifestError) throw new UsageError(error.message, { cause: error });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(
      `The manifest ${manifest} cannot be read (${code}); the shipped one is called world`,
      {
        cause: error,
      },
    );
  }
}

function checkedParams({ task: name, params }: ManifestJob, tasks: Tasks): never {
  const checked = checkParams(findTask(tasks, name), params);
  if (!checked.ok) throw new UsageError(checked.faults.join('; '));
  return checked.params as never;
}

/** The area, where there is one: what the table goes by. */
const nameOf = (job: ManifestJob, tasks: Tasks): string =>
  findTask(tasks, job.task).publishAs?.(checkedParams(job, tasks)) ?? JSON.stringify(job.params);

const limitsOf = (job: ManifestJob, tasks: Tasks): string[] =>
  findTask(tasks, job.task).limits?.(checkedParams(job, tasks)) ?? [];

function partOf<T extends SimulatedJob>(job: T, number: number, bytes: number): T {
  const { area } = job.params;
  if (typeof area !== 'string') {
    throw new UsageError('--areas can only cut jobs that have the parameter area');
  }
  return { ...job, params: { ...job.params, area: `${area}/${number}` }, bytes };
}
