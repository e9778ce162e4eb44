/** Jobs as a person names them: by their id, or all of a run. */
import { mapLimit } from '../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Job } from '../lib/pipeline/job.ts';
import { keys } from '../lib/pipeline/keys.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import { UsageError } from './errors.ts';

const READS_AT_ONCE = 16;

/** The job of this id, or the jobs of this run. Throws {@link UsageError}. */
export async function jobsOf(ctx: PipelineContext, name: string): Promise<Job[]> {
  const job = await readJob(ctx, name);
  if (job) return [job];
  const prefix = `${keys.run(name)}accepted/`;
  const ids: string[] = [];
  for await (const key of ctx.records.list(prefix)) ids.push(key.slice(prefix.length));
  const jobs = await mapLimit(ids, READS_AT_ONCE, async (id) => await readJob(ctx, id));
  const found = jobs.filter((one) => one !== undefined);
  if (found.length === 0)
    throw new UsageError(`There is no job and no run "${name}": longshore status shows both`);
  return found;
}

/** Of several names, each job once; nothing is done for one that is not there. Throws {@link UsageError}. */
export async function allJobsOf(ctx: PipelineContext, names: string[]): Promise<Job[]> {
  const jobs = new Map<string, Job>();
  for (const name of names) for (const job of await jobsOf(ctx, name)) jobs.set(job.id, job);
  return [...jobs.values()];
}
