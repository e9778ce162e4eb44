/** Starts what waits: the most urgent first, then the largest, as many as fit. */
import { paramsToEnv } from '../tasks/params.ts';
import type { Launch, LaunchOutcome } from '../ports.ts';
import { admit, entryOf, fits, leave, pause, readAdmission, room, type Entry } from './admission.ts';
import { mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { keys, parseTurn } from './keys.ts';
import { readJob, updateJob, markWaiting } from './ledger.ts';
import { taskOf } from './task-of.ts';

export interface DispatchResult {
  launched: number;
  /** Jobs that were looked at and could not start. */
  waiting: number;
  /** When more could start without anybody's wake-up: launch quota, or a pause after a throttle. */
  retryAfterSeconds?: number;
}

/** Jobs read at once; launches made at once. RunTask takes about 0.2 s, and 20/s are allowed. */
const CONCURRENCY = 8;
/** Waiting jobs looked at in one go: those that a named limit holds back must not hide all others. */
const LOOK_AT = 1000;
/** After a refusal without a time of its own. */
const PAUSE_SECONDS = 5;

/** `run`: start only jobs of this run (a `longshore run` beside a running `longshore up`). */
export async function dispatch(
  ctx: PipelineContext,
  { run }: { run?: string } = {},
): Promise<DispatchResult> {
  const admission = await readAdmission(ctx);
  const { launches, waitSeconds } = room(admission, ctx);
  if (launches === 0)
    return {
      launched: 0,
      waiting: 0,
      ...(waitSeconds === undefined ? {} : { retryAfterSeconds: waitSeconds }),
    };

  const candidates = await waitingJobs(ctx, run, launches, admission.entries);
  const admitted = candidates.length > 0 ? await admit(ctx, candidates) : [];
  let paused: number | undefined;
  let launched = 0;
  await mapLimit(admitted, CONCURRENCY, async (entry) => {
    const outcome = await start(ctx, entry);
    if (outcome?.outcome === 'started') launched += 1;
    if (outcome?.outcome === 'wait')
      paused = Math.max(paused ?? 0, outcome.retryAfterSeconds ?? PAUSE_SECONDS);
  });
  if (paused !== undefined) await pause(ctx, paused);
  // As many as there was room or launch quota for: more may wait. With no room left, the next look says so.
  const more = admitted.length === launches ? 1 : undefined;
  const retryAfterSeconds = paused ?? more;
  return {
    launched,
    waiting: candidates.length - launched,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** The first waiting jobs that fit beside what runs and beside each other: those held back hide none behind them. */
async function waitingJobs(
  ctx: PipelineContext,
  run: string | undefined,
  launches: number,
  entries: Entry[],
): Promise<Job[]> {
  const markers: string[] = [];
  for await (const key of ctx.records.list(keys.waitingPrefix)) {
    if (run === undefined || parseTurn(key).run === run) markers.push(key);
    if (markers.length >= LOOK_AT) break;
  }
  const held = [...entries];
  const startable: Job[] = [];
  for (let at = 0; at < markers.length && startable.length < launches; at += CONCURRENCY) {
    const chunk = await mapLimit(markers.slice(at, at + CONCURRENCY), CONCURRENCY, (key) =>
      waitingJob(ctx, key),
    );
    for (const job of chunk) {
      if (!job || startable.length === launches || !fits(held, job, ctx.settings)) continue;
      startable.push(job);
      held.push(entryOf(job, ctx.clock.now()));
    }
  }
  return startable;
}

/** A marker without a record is an accept that was cut short; it is kept this long for the message to come back. */
const MARKER_GRACE_MS = 15 * 60_000;

async function waitingJob(ctx: PipelineContext, marker: string): Promise<Job | undefined> {
  const job = await readJob(ctx, parseTurn(marker).job);
  if (job?.state === 'waiting' && keys.waiting(job) === marker) return job;
  // Another dispatcher is launching it, and puts it back if it cannot: then the marker must be there.
  if (job?.phase === 'launching') return undefined;
  // Too early (a retry that waits for its time) or too late (it runs, or ended): a marker that says what is not so.
  const written = (await ctx.records.read<{ at?: number }>(marker))?.value.at ?? 0;
  if (job || ctx.clock.now() - written > MARKER_GRACE_MS) await ctx.records.delete(marker);
  return undefined;
}

/** Starts one admitted job. What fails for reasons of ours stays claimed: the sweep launches it again, idempotently. */
async function start(ctx: PipelineContext, entry: Entry): Promise<LaunchOutcome | undefined> {
  const claimed = await updateJob(ctx, entry.job, (job) => claim(ctx, job, entry));
  if (!claimed.changed) {
    await leave(ctx, entry.job, entry.claim);
    return undefined;
  }
  return await launch(ctx, claimed.job);
}

function claim(ctx: PipelineContext, job: Job, entry: Entry): Job | undefined {
  if (
    job.state !== 'waiting' ||
    job.revokedClaim === entry.claim ||
    job.attempts.length + 1 !== entry.attempt
  )
    return undefined;
  const attempt: Attempt = {
    attempt: entry.attempt,
    size: job.size,
    spot: job.spot,
    claim: entry.claim,
    claimedAt: ctx.clock.now(),
  };
  const { notBefore: _, ...rest } = job;
  return { ...rest, state: 'running', phase: 'launching', attempts: [...job.attempts, attempt] };
}

/** Launches the job's last attempt, which is claimed already. Also the sweep's way to finish a launch cut short. */
export async function launch(ctx: PipelineContext, job: Job): Promise<LaunchOutcome | undefined> {
  const log = ctx.log.with({
    job: job.id,
    run: job.run,
    task: job.task,
    name: job.name,
    attempt: job.attempts.length,
  });
  let outcome: LaunchOutcome;
  try {
    outcome = await ctx.runner.launch(launchOf(ctx, job));
  } catch (error) {
    log.error('Task:Launch:Unknown', { reason: String(error) });
    return undefined;
  }
  switch (outcome.outcome) {
    case 'started':
      await started(ctx, job, outcome.ref);
      log.info('Task:Launch:Done', { ref: outcome.ref, size: job.size, spot: job.spot });
      break;
    case 'wait':
      await backToWaiting(ctx, job);
      log.info('Task:Launch:Wait', { reason: outcome.reason });
      break;
    case 'refused':
      await refused(ctx, job, outcome.reason);
      log.error('Task:Launch:Refused', { reason: outcome.reason });
      break;
  }
  return outcome;
}

function launchOf(ctx: PipelineContext, job: Job): Launch {
  const { task, params } = taskOf(ctx, job);
  const attempt = job.attempts.length;
  const { size } = job;
  return {
    job: job.id,
    attempt,
    run: job.run,
    task: job.task,
    size,
    spot: job.spot,
    inputs: job.inputs,
    deadlineSeconds: task.deadlineSeconds({ bytes: job.bytes, params }),
    env: {
      ...paramsToEnv(task, job.params),
      LONGSHORE_TASK: job.task,
      LONGSHORE_RUN: job.run,
      LONGSHORE_JOB: job.id,
      LONGSHORE_ATTEMPT: String(attempt),
      LONGSHORE_NAME: job.name,
      LONGSHORE_MEMORY_MIB: String(size.memoryMiB),
      LONGSHORE_CPU: String(size.vcpu),
    },
  };
}

async function started(ctx: PipelineContext, { id, attempts }: Job, ref: string): Promise<void> {
  const { job } = await updateJob(ctx, id, (current) => {
    const last = lastAttempt(current);
    if (current.state !== 'running' || last?.attempt !== attempts.length || last.ref !== undefined)
      return undefined;
    return {
      ...current,
      phase: 'processing',
      attempts: [...current.attempts.slice(0, -1), { ...last, ref }],
    };
  });
  await ctx.records.delete(keys.waiting(job, attempts.length));
  // Cancelled between claim and launch: the stop found no ref to stop then.
  if (lastAttempt(job)?.stopping) await ctx.runner.stop(ref, 'cancelled while it was launched');
}

/** Definitely not started: the claim is taken back as if it had never been. */
async function backToWaiting(ctx: PipelineContext, { id, attempts }: Job): Promise<void> {
  const { job } = await updateJob(ctx, id, (current) => {
    if (current.phase !== 'launching' || current.attempts.length !== attempts.length) return undefined;
    if (lastAttempt(current)?.stopping) return cancelledInTime(ctx, current);
    const { phase: _, ...rest } = current;
    return { ...rest, state: 'waiting', attempts: current.attempts.slice(0, -1) };
  });
  if (isTerminal(job.state)) {
    await finish(ctx, job);
    return;
  }
  if (job.state === 'waiting') await markWaiting(ctx, job);
  await leave(ctx, id, attempts.at(-1)?.claim);
}

function cancelledInTime(ctx: PipelineContext, job: Job): Job {
  const { phase: _, ...rest } = job;
  const reason = 'Cancelled before it started';
  return {
    ...rest,
    state: 'cancelled',
    cause: 'cancelled',
    reason,
    endedAt: ctx.clock.now(),
    attempts: job.attempts.slice(0, -1),
  };
}

async function refused(ctx: PipelineContext, { id, attempts }: Job, reason: string): Promise<void> {
  const now = ctx.clock.now();
  const { job } = await updateJob(ctx, id, (current) => {
    const last = lastAttempt(current);
    if (current.phase !== 'launching' || last?.attempt !== attempts.length) return undefined;
    const ended: Attempt = { ...last, endedAt: now, cause: 'refused', reason };
    const { phase: _, ...rest } = current;
    return {
      ...rest,
      state: 'failed',
      cause: 'refused',
      reason,
      endedAt: now,
      attempts: [...current.attempts.slice(0, -1), ended],
    };
  });
  if (isTerminal(job.state)) await finish(ctx, job);
}
