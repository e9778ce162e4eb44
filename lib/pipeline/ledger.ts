/** Reading and changing job records. */
import { randomUUID } from 'node:crypto';
import type { PipelineContext } from './context.ts';
import type { Job, TerminalState } from './job.ts';
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

/** One broken record must not stand in the way of all other jobs: it is told, and passed over. */
export function tellUnreadable({ log }: Pick<PipelineContext, 'log'>, job: string, error: unknown): void {
  log.error('Job:Handle:Failed', { job, reason: String(error) });
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

/** Marks a job that waits as waiting. Idempotent. */
export async function markWaiting({ records, clock }: Ledger, job: Job): Promise<void> {
  const key = job.notBefore === undefined ? keys.waiting(job) : keys.delayed(job);
  await records.create(key, { at: clock.now() });
}

/**
 * Marks a job as ended. Idempotent; true the first time. No two marks are equal: a writer whose answer got lost tells by
 * what is there whether it was the first.
 */
export async function markEnded({ records }: Ledger, job: Job & { state: TerminalState }): Promise<boolean> {
  const first = (await records.create(keys.ended(job, job.state), { by: randomUUID() })) !== undefined;
  await records.delete(keys.waiting(job));
  if (job.notBefore !== undefined) await records.delete(keys.delayed(job));
  return first;
}
