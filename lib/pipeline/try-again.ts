/**
 * Tries a job again that ended without publishing: the same job, its attempts counted on. What a person decides, after the
 * retries that the pipeline makes by itself (`retry.ts`).
 *
 *     retries/<job>   which end is to be undone: written first, deleted last; the sweep goes on with what was cut short
 *
 * 1. the intent is written; 2. the record goes back to waiting, if it still is at that end; 3. the marker of the end is
 * deleted; 4. the job is marked as waiting: only now can it start; 5. the intent is deleted. Each step may be taken twice.
 */
import type { PipelineContext } from './context.ts';
import { replan } from './create-job.ts';
import { mapGood } from './concurrency.ts';
import { finish } from './finish.ts';
import { isTerminal, type Job, type TerminalState } from './job.ts';
import { keys } from './keys.ts';
import { JobMissingError, markEnded, markWaiting, readJob, tellUnreadable, updateJob } from './ledger.ts';

/** One end of a job, told from a later one by its time. */
interface Intent {
  state: TerminalState;
  endedAt: number;
}

export interface TriedAgain {
  job: Job;
  /** False when there is nothing to try again: it is published, waits, or runs. */
  again: boolean;
}

/** Idempotent. Throws {@link JobMissingError}; what `accept` would refuse stays ended, with the reason of today. */
export async function tryAgain(ctx: PipelineContext, id: string): Promise<TriedAgain> {
  await goOn(ctx, id);
  const job = await readJob(ctx, id);
  if (!job) throw new JobMissingError(id);
  if (!isTerminal(job.state) || job.state === 'published') return { job, again: false };
  // An end that was cut short is brought to its own end first: slots are free, the receipt is written.
  await finish(ctx, job);
  const intent: Intent = { state: job.state, endedAt: job.endedAt ?? job.updatedAt };
  await ctx.records.create(keys.retry(id), intent);
  await goOn(ctx, id);
  const now = await readJob(ctx, id);
  return { job: now ?? job, again: now !== undefined && !isTerminal(now.state) };
}

/** Of the sweep: finishes what a process that died had begun. */
export async function goOnWithRetries(ctx: PipelineContext): Promise<number> {
  const ids: string[] = [];
  for await (const key of ctx.records.list(keys.retriesPrefix))
    ids.push(key.slice(keys.retriesPrefix.length));
  const failed = (id: string, error: unknown): void => tellUnreadable(ctx, id, error);
  await mapGood(ids, 8, async (id) => await goOn(ctx, id), failed);
  return ids.length;
}

async function goOn(ctx: PipelineContext, id: string): Promise<void> {
  const intent = (await ctx.records.read<Intent>(keys.retry(id)))?.value;
  const ended = intent && (await readJob(ctx, id));
  if (!intent || !ended) return;
  const next = isAt(ended, intent) ? await replan(ctx, ended) : undefined;
  const { job } = await updateJob(ctx, id, (current) =>
    next && isAt(current, intent) ? back(current, next) : undefined,
  );
  if (!isTerminal(job.state)) await ctx.records.delete(keys.ended(job, intent.state));
  // Looked at after the marker is gone: a job that ended once more meanwhile, in the same state, gets its marker again.
  const current = (await readJob(ctx, id)) ?? job;
  const { state } = current;
  if (isTerminal(state)) await markEnded(ctx, { ...current, state });
  else if (state === 'waiting') await markWaiting(ctx, current);
  await ctx.records.delete(keys.retry(id));
  if (state === 'waiting') await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
}

const isAt = (job: Job, { state, endedAt }: Intent): boolean =>
  job.state === state && (job.endedAt ?? job.updatedAt) === endedAt;

/** Waiting, as planned anew; with the memory that it was given last, when that was more. Refused: the same end, today's reason. */
function back(ended: Job, next: Job): Job {
  const {
    cause: _,
    reason: __,
    receipt: ___,
    checks: ____,
    endedAt: _____,
    phase: ______,
    ...others
  } = ended;
  const { paramsAsked: _______, ...rest } = others;
  if (isTerminal(next.state)) return { ...ended, reason: next.reason ?? 'It cannot be tried again' };
  const { params, paramsAsked, source, bytes, size, spot, limits, expectedSeconds } = next;
  return {
    ...rest,
    state: 'waiting',
    params,
    ...(paramsAsked === undefined ? {} : { paramsAsked }),
    ...(source === undefined ? {} : { source }),
    ...(expectedSeconds === undefined ? {} : { expectedSeconds }),
    bytes,
    size: ended.size.memoryMiB > size.memoryMiB ? ended.size : size,
    spot,
    limits,
    attemptsBefore: ended.attempts.length,
  };
}
