/** Reading and changing job records. */
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { isTerminal } from './job.ts';
import { keys } from './keys.ts';

export class JobMissingError extends Error {
  override name = 'JobMissingError';
  constructor(id: string) {
    super(`There is no job "${id}" in the ledger`);
  }
}

type Ledger = Pick<PipelineContext, 'records' | 'clock'>;

export async function readJob(
  { records }: Pick<PipelineContext, 'records'>,
  id: string,
): Promise<Job | undefined> {
  return (await records.read<Job>(keys.job(id)))?.value;
}

/**
 * Changes a job by compare-and-swap. `change` may be called again with a newer record when another process was faster;
 * it returns `undefined` to leave the job as it is.
 */
export async function updateJob(
  { records, clock }: Ledger,
  id: string,
  change: (job: Job) => Job | undefined,
): Promise<{ job: Job; changed: boolean }> {
  for (;;) {
    const read = await records.read<Job>(keys.job(id));
    if (!read) throw new JobMissingError(id);
    const next = change(read.value);
    if (!next) return { job: read.value, changed: false };
    const job = { ...next, updatedAt: clock.now() };
    if ((await records.replace(keys.job(id), job, read.version)) !== undefined) return { job, changed: true };
  }
}

/** Makes the markers say what the record says. Idempotent. */
export async function writeMarkers({ records, clock }: Ledger, job: Job): Promise<void> {
  if (isTerminal(job.state)) {
    await records.create(keys.ended(job, job.state), {});
    await records.delete(keys.waiting(job));
    if (job.notBefore !== undefined) await records.delete(keys.delayed(job));
  } else if (job.state === 'waiting') {
    await records.create(job.notBefore === undefined ? keys.waiting(job) : keys.delayed(job), {
      at: clock.now(),
    });
  }
}
