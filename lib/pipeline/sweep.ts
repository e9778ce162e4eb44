/** Finds what no event told: lost stops, deadlines, dead claims, forgotten steps, retries whose time has come. */
import type { TaskState } from '../ports.ts';
import { leave, readAdmission, type Entry } from './admission.ts';
import { mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { launch } from './dispatch.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { delayedUntil, keys, parseTurn } from './keys.ts';
import { readJob, updateJob, markWaiting } from './ledger.ts';
import { follow, settle } from './settle.ts';
import { taskOf } from './task-of.ts';
import { goOnWithRetries } from './try-again.ts';

/** A dispatcher that has not launched a minute after its claim is dead, or will find its claim revoked. */
const CLAIM_TIMEOUT_MS = 60_000;
/** A stop is told by its event within seconds: settled by both, its steps would be done twice. */
const EVENT_GRACE_MS = 30_000;
/** A stop that was asked for and had no effect is asked for again: two minutes of Spot notice and one for the event. */
const STOP_AGAIN_MS = 180_000;

export interface SweepResult {
  settled: number;
  stopped: number;
  relaunched: number;
  revoked: number;
  resumed: number;
  due: number;
}

/**
 * `justStarted`: this process is the pipeline's only one and was just started (`longshore up` after a `kill -9`), so
 * steps whose messages died with the last process are not waited for.
 */
export async function sweep(ctx: PipelineContext, { justStarted = false } = {}): Promise<SweepResult> {
  const result: SweepResult = { settled: 0, stopped: 0, relaunched: 0, revoked: 0, resumed: 0, due: 0 };
  const { entries } = await readAdmission(ctx);
  const states = await describe(ctx, entries);
  await mapLimit(entries, 8, async (entry) => {
    try {
      await look(ctx, entry, states, result, justStarted);
    } catch (error) {
      ctx.log.error('Sweep:Look:Failed', { job: entry.job, reason: String(error) });
    }
  });
  result.due = await wakeDelayed(ctx);
  await goOnWithRetries(ctx);
  return result;
}

/** What the runner knows of all running attempts, asked for in one go. */
async function describe(ctx: PipelineContext, entries: Entry[]): Promise<Map<string, TaskState>> {
  const running = entries.filter((entry) => entry.settledAt === undefined);
  const jobs = await mapLimit(running, 8, async (entry) => await readJob(ctx, entry.job));
  const refs = jobs.flatMap((job) => (job?.state === 'running' ? (lastAttempt(job)?.ref ?? []) : []));
  const states = refs.length > 0 ? await ctx.runner.describe(refs) : [];
  return new Map(states.map((state) => [state.ref, state]));
}

async function look(
  ctx: PipelineContext,
  entry: Entry,
  states: Map<string, TaskState>,
  result: SweepResult,
  justStarted: boolean,
): Promise<void> {
  const job = await readJob(ctx, entry.job);
  const last = job && lastAttempt(job);
  if (!job) {
    await leave(ctx, entry.job, entry.claim);
  } else if (isTerminal(job.state)) {
    await finish(ctx, job);
  } else if (job.state === 'waiting') {
    await lookAtClaim(ctx, entry, job, result);
  } else if (last?.attempt !== entry.attempt || last.claim !== entry.claim) {
    await leave(ctx, entry.job, entry.claim);
  } else if (last.endedAt !== undefined) {
    const patience = justStarted ? 0 : ctx.settings.stepTimeoutSeconds * 1000;
    if (ctx.clock.now() - Math.max(job.updatedAt, entry.settledAt ?? 0) < patience) return;
    await follow(ctx, job, entry.attempt);
    result.resumed += 1;
  } else if (last.ref === undefined) {
    if (!justStarted && ctx.clock.now() - last.claimedAt < CLAIM_TIMEOUT_MS) return;
    await launch(ctx, job);
    result.relaunched += 1;
  } else {
    const stoppedAt = states.get(last.ref)?.stoppedAt ?? 0;
    if (!justStarted && ctx.clock.now() - stoppedAt < EVENT_GRACE_MS) return;
    await lookAtTask(ctx, job, last, last.ref, states, result);
  }
}

/** Admitted and not started: after a retry was decided, or by a dispatcher that died, or is only slow. */
async function lookAtClaim(ctx: PipelineContext, entry: Entry, job: Job, result: SweepResult): Promise<void> {
  if (job.attempts.length >= entry.attempt) {
    await follow(ctx, job, entry.attempt);
    return;
  }
  if (ctx.clock.now() - entry.claimedAt < CLAIM_TIMEOUT_MS) return;
  // Revoked in the job's own record, where the slow dispatcher must write too: one of the two is first.
  const { job: current, changed } = await updateJob(ctx, job.id, (now) =>
    now.state === 'waiting' && now.attempts.length < entry.attempt
      ? { ...now, revokedClaim: entry.claim }
      : undefined,
  );
  if (!changed) return;
  await markWaiting(ctx, current);
  await leave(ctx, entry.job, entry.claim);
  result.revoked += 1;
}

async function lookAtTask(
  ctx: PipelineContext,
  job: Job,
  last: Attempt,
  ref: string,
  states: Map<string, TaskState>,
  result: SweepResult,
): Promise<void> {
  const now = ctx.clock.now();
  const state = states.get(ref);
  if (!state) {
    // Not in this sweep's question: it was launched since. Else the runner has forgotten it, an hour after its stop.
    if (now - last.claimedAt < CLAIM_TIMEOUT_MS) return;
    const gone: TaskState = {
      ref,
      job: job.id,
      attempt: last.attempt,
      status: 'stopped',
      reason: 'The container is gone, and nobody saw it end',
    };
    await settle(ctx, gone);
    result.settled += 1;
  } else if (state.status === 'stopped') {
    await settle(ctx, state);
    result.settled += 1;
  } else {
    await enforceDeadline(ctx, job, last, ref, state, result);
  }
}

async function enforceDeadline(
  ctx: PipelineContext,
  job: Job,
  last: Attempt,
  ref: string,
  state: TaskState,
  result: SweepResult,
): Promise<void> {
  const now = ctx.clock.now();
  if (last.stopping) {
    if (now - last.stopping.at < STOP_AGAIN_MS) return;
    await ctx.runner.stop(ref, last.stopping.cause);
    return;
  }
  const { task, params } = taskOf(ctx, job);
  const deadlineSeconds = task.deadlineSeconds({ bytes: job.bytes, params });
  if (state.startedAt === undefined || now - state.startedAt < deadlineSeconds * 1000) return;
  const { changed } = await updateJob(ctx, job.id, (current) =>
    stopping(current, last.attempt, { cause: 'deadline', at: now }),
  );
  if (!changed) return;
  ctx.log.warn('Task:Stop:Deadline', {
    job: job.id,
    run: job.run,
    name: job.name,
    attempt: last.attempt,
    deadlineSeconds,
  });
  await ctx.runner.stop(ref, `deadline of ${deadlineSeconds} s passed`);
  result.stopped += 1;
}

/** The job with its running attempt marked to be stopped; `undefined` when it has ended meanwhile. */
export function stopping(job: Job, attempt: number, why: NonNullable<Attempt['stopping']>): Job | undefined {
  const last = lastAttempt(job);
  if (job.state !== 'running' || last?.attempt !== attempt || last.endedAt !== undefined || last.stopping)
    return undefined;
  return { ...job, attempts: [...job.attempts.slice(0, -1), { ...last, stopping: why }] };
}

/** Moves retries whose time has come to those that wait for room. */
async function wakeDelayed(ctx: PipelineContext): Promise<number> {
  let due = 0;
  for await (const marker of ctx.records.list(keys.delayedPrefix)) {
    if (delayedUntil(marker) > ctx.clock.now()) break;
    const id = parseTurn(marker).job;
    const known = await readJob(ctx, id);
    if (known?.state === 'waiting' && known.notBefore !== undefined && keys.delayed(known) === marker) {
      const { job } = await updateJob(ctx, id, (current) => {
        if (current.state !== 'waiting' || current.notBefore === undefined) return undefined;
        const { notBefore: _, ...rest } = current;
        return rest;
      });
      if (job.state === 'waiting') await markWaiting(ctx, job);
      due += 1;
    }
    await ctx.records.delete(marker);
  }
  return due;
}
