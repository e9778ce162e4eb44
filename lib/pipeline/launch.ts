/** From an admitted launch to a container: each member's claim in its own record, then the runner, then what it answered. */
import { paramsToEnv } from '../tasks/params.ts';
import type { Launch, LaunchMember, LaunchOutcome } from '../ports.ts';
import { drop, type Entry, type Member } from './admission.ts';
import { mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { keys } from './keys.ts';
import { updateJob, markWaiting } from './ledger.ts';
import { launchDeadline } from './launch-deadline.ts';
import { taskOf, TaskGoneError } from './task-of.ts';

/** Records of members that are read or changed at once. */
const CONCURRENCY = 8;

/**
 * Starts one admitted launch. Members that cannot be claimed (cancelled meanwhile, or the claim was revoked) drop out. What
 * fails for reasons of ours stays claimed: the sweep launches it again, idempotently.
 */
export async function start(ctx: PipelineContext, entry: Entry): Promise<LaunchOutcome | undefined> {
  const claims = await mapLimit(
    entry.members,
    CONCURRENCY,
    async (member) => await updateJob(ctx, member.job, (job) => claim(ctx, job, entry, member)),
  );
  const lost = claims.filter(({ changed }) => !changed).map(({ job }) => job.id);
  if (lost.length > 0) await drop(ctx, lost, entry.claim);
  const jobs = claims.filter(({ changed }) => changed).map(({ job }) => job);
  return jobs.length === 0 ? undefined : await launch(ctx, entry, jobs);
}

function claim(ctx: PipelineContext, job: Job, entry: Entry, { attempt: number }: Member): Job | undefined {
  if (job.state !== 'waiting' || job.revokedClaim === entry.claim || job.attempts.length + 1 !== number)
    return undefined;
  const jobs = entry.members.length;
  const attempt: Attempt = {
    attempt: number,
    size: job.size,
    spot: job.spot,
    claim: entry.claim,
    claimedAt: ctx.clock.now(),
    ...(jobs === 1 ? {} : { launch: { id: entry.launch, jobs } }),
  };
  const { notBefore: _, ...rest } = job;
  return { ...rest, state: 'running', phase: 'launching', attempts: [...job.attempts, attempt] };
}

/**
 * Launches these members of an entry, which are claimed already. Also the sweep's way to finish a launch cut short: `again`,
 * the container may run already, whatever hinders this second call. Then the claim, and so the slot, is not given back.
 */
export async function launch(
  ctx: PipelineContext,
  entry: Entry,
  jobs: Job[],
  { again = false } = {},
): Promise<LaunchOutcome | undefined> {
  const [first] = jobs;
  if (!first) return undefined;
  const { id, run, task, name, size, spot } = first;
  const log = ctx.log.with({
    job: id,
    run,
    task,
    name,
    attempt: first.attempts.length,
    ...(jobs.length === 1 ? {} : { launch: entry.launch, jobs: jobs.length }),
  });
  let outcome: LaunchOutcome;
  try {
    outcome = await ctx.runner.launch(launchOf(ctx, entry, jobs));
  } catch (error) {
    // Its task file was changed under it. It holds its slot until somebody changes it back, unless it is let go here.
    if (error instanceof TaskGoneError && !again) {
      await refused(ctx, entry, jobs, error.message);
      log.error('Task:Launch:Refused', { reason: error.message });
      return { outcome: 'refused', reason: error.message };
    }
    log.error('Task:Launch:Unknown', { reason: String(error) });
    return undefined;
  }
  switch (outcome.outcome) {
    case 'started':
      await started(ctx, entry, jobs, outcome.ref);
      log.info('Task:Launch:Done', { ref: outcome.ref, size, spot });
      break;
    case 'wait':
      if (!again) await backToWaiting(ctx, entry, jobs);
      log.info('Task:Launch:Wait', { reason: outcome.reason });
      break;
    case 'refused':
      await refused(ctx, entry, jobs, outcome.reason);
      log.error('Task:Launch:Refused', { reason: outcome.reason });
      break;
  }
  return outcome;
}

function launchOf(ctx: PipelineContext, entry: Entry, jobs: Job[]): Launch {
  const members = jobs.map((job) => memberOf(ctx, job, { alone: jobs.length === 1 }));
  const { size, spot } = jobs[0]!;
  return {
    id: entry.launch,
    run: entry.run,
    task: entry.task,
    size,
    spot,
    members,
    deadlineSeconds: launchDeadline(members.map(({ deadlineSeconds }) => deadlineSeconds)),
  };
}

function memberOf(ctx: PipelineContext, job: Job, { alone }: { alone: boolean }): LaunchMember {
  const { task, params } = taskOf(ctx, job);
  const attempt = job.attempts.length;
  return {
    job: job.id,
    attempt,
    inputs: job.inputs,
    ...(alone && task.fetch?.isNeeded(params) ? { fetch: true } : {}),
    deadlineSeconds: task.deadlineSeconds({ bytes: job.bytes, params }),
    env: {
      ...paramsToEnv(task, job.params),
      LONGSHORE_TASK: job.task,
      LONGSHORE_RUN: job.run,
      LONGSHORE_JOB: job.id,
      LONGSHORE_ATTEMPT: String(attempt),
      LONGSHORE_NAME: job.name,
      LONGSHORE_MEMORY_MIB: String(job.size.memoryMiB),
      LONGSHORE_CPU: String(job.size.vcpu),
    },
  };
}

/** Writes the ref down in each member's record. Also for members that a crash kept from learning it. */
export async function started(ctx: PipelineContext, entry: Entry, jobs: Job[], ref: string): Promise<void> {
  const known = await mapLimit(jobs, CONCURRENCY, async ({ id, attempts: { length } }) => {
    const { job } = await updateJob(ctx, id, (current) => {
      const last = lastAttempt(current);
      if (current.state !== 'running' || last?.claim !== entry.claim || last.ref !== undefined)
        return undefined;
      return {
        ...current,
        phase: 'processing',
        attempts: [...current.attempts.slice(0, -1), { ...last, ref }],
      };
    });
    const attempt = job.attempts.find(({ claim: of }) => of === entry.claim);
    if (attempt) await ctx.records.delete(keys.waiting(job, length));
    return { job, attempt };
  });
  if (known.some(({ attempt }) => !attempt)) {
    // Another dispatcher was told to wait, and gave the claim back: the job may start elsewhere at any moment.
    ctx.log.warn('Task:Launch:Unwanted', { ref, launch: entry.launch });
    await ctx.runner.stop(ref, 'its claim was given back while it was launched');
    return;
  }
  // Cancelled between claim and launch: the stop found no ref to stop then.
  const unwanted = known.filter(({ attempt }) => attempt?.stopping && attempt.endedAt === undefined);
  if (unwanted.length === known.length) {
    await ctx.runner.stop(ref, 'cancelled while it was launched');
    return;
  }
  for (const { job, attempt } of unwanted)
    await ctx.runner.skip(ref, { job: job.id, attempt: attempt?.attempt ?? 0 });
}

/** Definitely not started: the claims are taken back as if they had never been. */
async function backToWaiting(ctx: PipelineContext, entry: Entry, jobs: Job[]): Promise<void> {
  const current = await mapLimit(
    jobs,
    CONCURRENCY,
    async ({ id }) => (await updateJob(ctx, id, (job) => unclaimed(ctx, job, entry))).job,
  );
  for (const job of current) {
    if (isTerminal(job.state)) await finish(ctx, job);
    else if (job.state === 'waiting') await markWaiting(ctx, job);
  }
  const waiting = current.filter(({ state }) => state === 'waiting').map(({ id }) => id);
  if (waiting.length > 0) await drop(ctx, waiting, entry.claim);
}

function unclaimed(ctx: PipelineContext, job: Job, entry: Entry): Job | undefined {
  const last = lastAttempt(job);
  if (job.phase !== 'launching' || last?.claim !== entry.claim) return undefined;
  if (last.stopping) return cancelledInTime(ctx, job);
  const { phase: _, ...rest } = job;
  return { ...rest, state: 'waiting', attempts: job.attempts.slice(0, -1) };
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

async function refused(ctx: PipelineContext, entry: Entry, jobs: Job[], reason: string): Promise<void> {
  const now = ctx.clock.now();
  await mapLimit(jobs, CONCURRENCY, async ({ id }) => {
    const { job } = await updateJob(ctx, id, (current) => {
      const last = lastAttempt(current);
      if (current.phase !== 'launching' || last?.claim !== entry.claim) return undefined;
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
  });
}
