/** The jobs of a manifest with sizes for them, where nothing may be asked of a network. */
import type { ManifestJob } from '../lib/pipeline/manifest.ts';
import type { SimulatedJob } from '../lib/simulate/scenario.ts';
import { cutInto, shapeIndex, sizesOf } from '../lib/simulate/world-shape.ts';
import { checkParams } from '../lib/tasks/params.ts';
import { UsageError } from './errors.ts';
import { openManifest } from './manifest.ts';
import { findTask, type Tasks } from './tasks-folder.ts';

export interface SimulatedJobs {
  name: string;
  jobs: SimulatedJob[];
  /** Where the sizes are from: entries whose area the bundled table has, and entries of a size drawn from it. */
  sizes: { table: 'manifests/world-shape.json'; known: number; drawn: number };
  /** The jobs' limits that are named after mirrors. */
  mirrors: string[];
  /** Of the largest job's first container. */
  mostVcpu: number;
}

/** `manifest`: a path, or the name of a shipped one. Throws {@link UsageError}. */
export async function readSimulatedJobs(
  manifest: string,
  tasks: Tasks,
  { seed, areas }: { seed: number; areas?: number },
): Promise<SimulatedJobs> {
  // An index that lies on a server stays unasked: its areas are the table's.
  const { name, jobs } = await openManifest(manifest, {
    tasks,
    fetch: async () => new Response(shapeIndex()),
  });
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
    mostVcpu: cut.reduce((most, job) => Math.max(most, vcpuOf(job, tasks)), 0),
  };
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

const vcpuOf = (job: SimulatedJob, tasks: Tasks): number =>
  findTask(tasks, job.task).size({ bytes: job.bytes, params: checkedParams(job, tasks) }).vcpu;

function partOf<T extends SimulatedJob>(job: T, number: number, bytes: number): T {
  const { area } = job.params;
  if (typeof area !== 'string') {
    throw new UsageError('--areas can only cut jobs that have the parameter area');
  }
  return { ...job, params: { ...job.params, area: `${area}/${number}` }, bytes };
}
