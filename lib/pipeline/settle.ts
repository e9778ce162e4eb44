/** A container stopped: why, and what happens next. */
import { cost } from '../tasks/prices.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { clampTo, smallerOf } from '../tasks/sizes.ts';
import type { TaskState } from '../ports.ts';
import { withLessMemory } from './at-ceiling.ts';
import { entryOfLaunch, type Entry, type Member } from './admission.ts';
import { endOf, endOfMember, type End } from './causes.ts';
import { mapGood, mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { leaving } from './leaving.ts';
import { updateJob, markWaiting, tellUnreadable } from './ledger.ts';
import { memberEnds, type MemberEnd } from './member-ends.ts';
import type { Leaving, StepMessage, WakeMessage } from './messages.ts';
import { decide, type Decision, type LessMemory } from './retry.ts';
import { readAttemptRecord } from './staging.ts';

/** Members of a launch that are read and changed at once. */
const CONCURRENCY = 8;

/**
 * A container's change. Idempotent: for a stop that is settled already, only what followed from it is made sure of. Of others
 * only one matters: that it has fetched what it needs.
 */
export async function settle(ctx: PipelineContext, state: TaskState): Promise<void> {
  if (state.status !== 'stopped' && !(state.fetched && Object.keys(ctx.settings.limits).length > 0)) return;
  const entry = await entryOfLaunch(ctx, state.launch);
  if (!entry) {
    // Told again after all was done, or none of this ledger's.
    ctx.log.debug('Task:Stop:Unknown', { launch: state.launch, ref: state.ref });
    return;
  }
  if (state.status === 'stopped') await settleEntry(ctx, entry, state);
  else await tellFetched(ctx, entry);
}

/** Others may fetch from there now. */
export async function tellFetched(ctx: PipelineContext, { launch, limits }: Entry): Promise<void> {
  // Told before, by an event of the same container, or nobody waits for it.
  if (!limits.some((limit) => ctx.settings.limits[limit] !== undefined)) return;
  const wake: WakeMessage = { kind: 'wake', fetched: [launch] };
  await ctx.jobs.send([JSON.stringify(wake)]);
}

/** All members: each has its own attempt record, and its share of the container's time. */
export async function settleEntry(ctx: PipelineContext, entry: Entry, state: TaskState): Promise<void> {
  const records = await mapLimit(
    entry.members,
    CONCURRENCY,
    async ({ job, attempt }) => await readAttemptRecord(ctx, job, attempt),
  );
  const ends = memberEnds(state, records);
  const turns = entry.members.map((member, index) => ({ member, end: ends[index]! }));
  const jobs = await mapGood(
    turns.filter(({ member }) => !member.left),
    CONCURRENCY,
    async ({ member, end }) => await settleMember(ctx, entry, member, end),
    ({ member }, error) => tellUnreadable(ctx, member.job, error),
  );
  await follow(
    ctx,
    entry,
    jobs.filter((job) => job !== undefined),
  );
}

/** `undefined` for a job that has no part in this launch (any more). */
async function settleMember(
  ctx: PipelineContext,
  entry: Entry,
  member: Member,
  end: MemberEnd,
): Promise<Job | undefined> {
  const { job, changed } = await updateJob(ctx, member.job, (current) => settled(ctx, current, entry, end));
  const attempt = job.attempts[member.attempt - 1];
  if (attempt?.claim !== entry.claim) return undefined;
  if (changed) {
    ctx.log.info('Task:Stop:Settled', {
      job: job.id,
      run: job.run,
      task: job.task,
      name: job.name,
      attempt: member.attempt,
      cause: attempt.cause,
      reason: attempt.reason,
      seconds: attempt.seconds,
      peakMemoryBytes: attempt.peakMemoryBytes,
      costUsd: attempt.costUsd,
      next: job.phase ?? job.state,
    });
  }
  return job;
}

/** What settled attempts of a launch lead to. Repeated as often as it takes: each step is idempotent. */
export async function follow(ctx: PipelineContext, entry: Entry, jobs: Job[]): Promise<void> {
  const steps = jobs.flatMap(({ id, phase, attempts }): StepMessage[] => {
    const kind = phase === 'validating' ? 'validate' : phase === 'publishing' ? 'publish' : undefined;
    return kind === undefined ? [] : [{ kind, job: id, attempt: attempts.length }];
  });
  if (steps.length > 0) await ctx.steps.send(steps.map((step) => JSON.stringify(step)));
  const ended = jobs.filter(({ state }) => isTerminal(state));
  await mapLimit(ended, CONCURRENCY, async (job) => await finish(ctx, job));
  const left = await followWaiting(
    ctx,
    entry,
    jobs.filter(({ state }) => state === 'waiting'),
  );
  const wake: WakeMessage = { kind: 'wake', freed: [entry.launch], left };
  await ctx.jobs.send([JSON.stringify(wake)]);
}

/** What holds their names no more: only these attempts. Told twice, the next ones may have been admitted already. */
async function followWaiting(ctx: PipelineContext, entry: Entry, jobs: Job[]): Promise<Leaving[]> {
  if (jobs.length === 0) return [];
  await mapLimit(jobs, CONCURRENCY, async (job) => await markWaiting(ctx, job));
  const attempts = jobs.flatMap((job) => job.attempts.filter(({ claim }) => claim === entry.claim));
  const ref = attempts.find((attempt) => attempt.ref !== undefined)?.ref;
  if (ref !== undefined) await ctx.runner.clean(ref);
  return jobs.flatMap((job) =>
    entry.members.filter((member) => member.job === job.id).map(({ attempt }) => leaving(job, attempt)),
  );
}

function settled(ctx: PipelineContext, job: Job, entry: Entry, end: MemberEnd): Job | undefined {
  const last = lastAttempt(job);
  if (job.state !== 'running' || last?.claim !== entry.claim || last.endedAt !== undefined) return undefined;
  const shared = entry.members.length > 1;
  const why = shared ? endOfMember(last, end) : endOf(last, end.state, end.record);
  const { launch: _, ...rest } = endedAttempt(ctx, last, end, why);
  const attempt = shared ? { ...rest, launch: { id: entry.launch, jobs: entry.members.length } } : rest;
  const ended: Job = { ...job, attempts: [...job.attempts.slice(0, -1), attempt] };
  return after(ctx, ended, why, decision(ctx, ended, why));
}

function decision(ctx: PipelineContext, job: Job, end: End): Decision {
  const task = ctx.tasks.get(job.task);
  if (!task) return { next: 'failed', reason: `The task "${job.task}" is gone; ${end.reason}` };
  return decide(job, end, {
    attempts: task.attempts,
    ceiling: smallerOf(task.ceiling, ctx.settings.ceiling),
    retryAfterDeadline: task.retryAfterDeadline ?? false,
    atCeiling: () => lessMemory(ctx, task, job),
  });
}

/** Once: when these parameters are not enough either, the job fails. */
function lessMemory(ctx: PipelineContext, task: TaskDefinition, job: Job): LessMemory | undefined {
  const less = job.paramsAsked ? undefined : withLessMemory(task, job.params);
  if (!less) return undefined;
  const work = { bytes: job.bytes, params: less.params };
  // The same memory, all there is, and the disk that it may need instead.
  const size = { ...job.size, diskGiB: Math.max(job.size.diskGiB, task.size(work).diskGiB) };
  return {
    params: less.given,
    size: clampTo(size, smallerOf(task.ceiling, ctx.settings.ceiling)),
    expectedSeconds: task.expectedSeconds(work),
  };
}

function after(ctx: PipelineContext, job: Job, { cause }: End, decided: Decision): Job {
  const { phase: _, notBefore: __, ...rest } = job;
  const now = ctx.clock.now();
  switch (decided.next) {
    case 'validate':
      return { ...rest, phase: 'validating' };
    case 'retry': {
      const { size, spot, delaySeconds, less } = decided;
      return {
        ...rest,
        ...(less && {
          params: less.params,
          expectedSeconds: less.expectedSeconds,
          paramsAsked: job.params,
        }),
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
  { state, record, share }: MemberEnd,
  why: End,
): Attempt {
  const stoppedAt = state.stoppedAt ?? record?.exit?.endedAt ?? ctx.clock.now();
  const startedAt = record?.exit?.startedAt ?? record?.begunAt ?? (share === 1 ? state.startedAt : undefined);
  const billedFrom = state.pullStartedAt ?? state.startedAt ?? startedAt;
  // Never started, never billed.
  const seconds = billedFrom === undefined ? 0 : Math.max(0, (stoppedAt - billedFrom) / 1000);
  const { architecture } = ctx.settings;
  const exitCode = record?.exit?.exitCode ?? state.exitCode;
  const peakMemoryBytes = record?.exit?.peakMemoryBytes;
  const { size, spot } = attempt;
  return {
    ...attempt,
    ref: attempt.ref ?? state.ref,
    ...(startedAt === undefined ? {} : { startedAt }),
    endedAt: share === 1 ? stoppedAt : (record?.exit?.endedAt ?? stoppedAt),
    ...why,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    seconds: seconds * share,
    costUsd: billedFrom === undefined ? 0 : cost({ size, spot, seconds, architecture }) * share,
    ...(record?.imageDigest === undefined ? {} : { imageDigest: record.imageDigest }),
  };
}
