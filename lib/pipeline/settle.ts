/** A container stopped: why, and what happens next. */
import { cost } from '../tasks/prices.ts';
import { smallerOf } from '../tasks/sizes.ts';
import type { TaskState } from '../ports.ts';
import { freeSlot, leave } from './admission.ts';
import type { AttemptRecord } from './attempt-record.ts';
import { endOf, type End } from './causes.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { readJob, updateJob, markWaiting } from './ledger.ts';
import type { StepMessage } from './messages.ts';
import { decide, type Decision } from './retry.ts';
import { readAttemptRecord } from './staging.ts';

/** Idempotent: for a stop that is settled already, only what followed from it is made sure of. */
export async function settle(ctx: PipelineContext, state: TaskState): Promise<void> {
  if (state.status !== 'stopped') return;
  if (!(await readJob(ctx, state.job))) {
    ctx.log.warn('Task:Stop:Unknown', { job: state.job, attempt: state.attempt, ref: state.ref });
    return;
  }
  const record = await readAttemptRecord(ctx, state.job, state.attempt);
  const { job, changed } = await updateJob(ctx, state.job, (current) => settled(ctx, current, state, record));
  if (changed) {
    const attempt = lastAttempt(job);
    ctx.log.info('Task:Stop:Settled', {
      job: job.id,
      run: job.run,
      task: job.task,
      name: job.name,
      attempt: state.attempt,
      cause: attempt?.cause,
      reason: attempt?.reason,
      seconds: attempt?.seconds,
      peakMemoryBytes: attempt?.peakMemoryBytes,
      costUsd: attempt?.costUsd,
      next: job.phase ?? job.state,
    });
  }
  await follow(ctx, job, state.attempt);
}

/** What a settled attempt leads to. Repeated as often as it takes: each step is idempotent. */
export async function follow(ctx: PipelineContext, job: Job, attempt: number): Promise<void> {
  if (isTerminal(job.state)) {
    await finish(ctx, job);
  } else if (job.phase === 'validating' || job.phase === 'publishing') {
    const step: StepMessage = {
      kind: job.phase === 'validating' ? 'validate' : 'publish',
      job: job.id,
      attempt,
    };
    await ctx.steps.send([JSON.stringify(step)]);
    await freeSlot(ctx, job.id, attempt);
    await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
  } else if (job.state === 'waiting') {
    await markWaiting(ctx, job);
    const { ref, claim } = job.attempts[attempt - 1] ?? {};
    if (ref !== undefined) await ctx.runner.clean(ref);
    // Only what this attempt held: told twice, the next attempt may have been admitted already.
    if (await leave(ctx, job.id, claim)) await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
  }
}

function settled(
  ctx: PipelineContext,
  job: Job,
  state: TaskState,
  record: AttemptRecord | undefined,
): Job | undefined {
  const last = lastAttempt(job);
  if (job.state !== 'running' || last?.attempt !== state.attempt || last.endedAt !== undefined)
    return undefined;
  const end = endOf(last, state, record);
  const ended: Job = {
    ...job,
    attempts: [...job.attempts.slice(0, -1), endedAttempt(ctx, last, state, record, end)],
  };
  return after(ctx, ended, end, decision(ctx, ended, end));
}

function decision(ctx: PipelineContext, job: Job, end: End): Decision {
  const task = ctx.tasks.get(job.task);
  if (!task) return { next: 'failed', reason: `The task "${job.task}" is gone; ${end.reason}` };
  return decide(job, end, {
    attempts: task.attempts,
    ceiling: smallerOf(task.ceiling, ctx.settings.ceiling),
    retryAfterDeadline: task.retryAfterDeadline ?? false,
  });
}

function after(ctx: PipelineContext, job: Job, { cause }: End, decided: Decision): Job {
  const { phase: _, notBefore: __, ...rest } = job;
  const now = ctx.clock.now();
  switch (decided.next) {
    case 'validate':
      return { ...rest, phase: 'validating' };
    case 'retry': {
      const { size, spot, delaySeconds } = decided;
      return {
        ...rest,
        state: 'waiting',
        size,
        spot,
        ...(delaySeconds === undefined ? {} : { notBefore: now + delaySeconds * 1000 }),
      };
    }
    default:
      return { ...rest, state: decided.next, cause, reason: decided.reason, endedAt: now };
  }
}

function endedAttempt(
  ctx: PipelineContext,
  attempt: Attempt,
  state: TaskState,
  record: AttemptRecord | undefined,
  end: End,
): Attempt {
  const endedAt = state.stoppedAt ?? record?.exit?.endedAt ?? ctx.clock.now();
  const startedAt = record?.exit?.startedAt ?? state.startedAt;
  const billedFrom = state.pullStartedAt ?? state.startedAt ?? startedAt;
  // Never started, never billed.
  const seconds = billedFrom === undefined ? 0 : Math.max(0, (endedAt - billedFrom) / 1000);
  const { architecture } = ctx.settings;
  const exitCode = record?.exit?.exitCode ?? state.exitCode;
  const peakMemoryBytes = record?.exit?.peakMemoryBytes;
  return {
    ...attempt,
    ref: attempt.ref ?? state.ref,
    ...(startedAt === undefined ? {} : { startedAt }),
    endedAt,
    ...end,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    seconds,
    costUsd:
      billedFrom === undefined ? 0 : cost({ size: attempt.size, spot: attempt.spot, seconds, architecture }),
    ...(record?.imageDigest === undefined ? {} : { imageDigest: record.imageDigest }),
  };
}
