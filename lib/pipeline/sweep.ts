/** Finds what no event told: lost stops, deadlines, dead claims, forgotten steps, retries whose time has come. */
import type { TaskState } from '../ports.ts';
import { drop, readAdmission, type Entry, type Member } from './admission.ts';
import { mapGood, mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { delayedUntil, keys, parseTurn } from './keys.ts';
import { launchDeadline } from './launch-deadline.ts';
import { launch, started } from './launch.ts';
import { readJob, updateJob, markWaiting, tellUnreadable } from './ledger.ts';
import { sweepSets } from './sets.ts';
import { follow, settleEntry, tellFetched } from './settle.ts';
import { taskOf } from './task-of.ts';
import { goOnWithRetries } from './try-again.ts';

/** A dispatcher that has not launched a minute after its claim is dead, or will find its claim revoked. */
const CLAIM_TIMEOUT_MS = 60_000;
/** A stop is told by its event within seconds: settled by both, its steps would be done twice. */
const EVENT_GRACE_MS = 30_000;
/** A stop that was asked for and had no effect is asked for again: two minutes of Spot notice and one for the event. */
const STOP_AGAIN_MS = 180_000;
/** Job records read at once. */
const READS = 16;

export interface SweepResult {
  settled: number;
  stopped: number;
  relaunched: number;
  revoked: number;
  resumed: number;
  due: number;
  /** Sets of files whose time had come. */
  sets: number;
}

/**
 * `justStarted`: this process is the pipeline's only one and was just started (`longshore up` after a `kill -9`), so
 * steps whose messages died with the last process are not waited for.
 */
export async function sweep(ctx: PipelineContext, { justStarted = false } = {}): Promise<SweepResult> {
  const result: SweepResult = {
    settled: 0,
    stopped: 0,
    relaunched: 0,
    revoked: 0,
    resumed: 0,
    due: 0,
    sets: 0,
  };
  const { entries } = await readAdmission(ctx);
  const jobs = await membersOf(ctx, entries);
  const states = await describe(ctx, jobs);
  await mapLimit(entries, 8, async (entry) => {
    try {
      await look({ ctx, entry, states, result, justStarted }, jobs);
    } catch (error) {
      ctx.log.error('Sweep:Look:Failed', { launch: entry.launch, reason: String(error) });
    }
  });
  result.due = await wakeDelayed(ctx);
  await goOnWithRetries(ctx);
  result.sets = await sweepSets(ctx);
  return result;
}

/** One entry, and what its looks need. */
interface Look {
  ctx: PipelineContext;
  entry: Entry;
  states: Map<string, TaskState>;
  result: SweepResult;
  justStarted: boolean;
}

/** By id. What cannot be read keeps its slot: its container may be running. */
type Members = Map<string, Job | 'unreadable'>;

/** The jobs behind the entries. */
async function membersOf(ctx: PipelineContext, entries: Entry[]): Promise<Members> {
  const ids = entries.flatMap(({ members }) => members.filter(({ left }) => !left).map(({ job }) => job));
  const found: Members = new Map();
  const unreadable = (id: string, error: unknown): void => {
    tellUnreadable(ctx, id, error);
    found.set(id, 'unreadable');
  };
  const jobs = await mapGood(ids, READS, async (id) => await readJob(ctx, id), unreadable);
  for (const job of jobs) if (job) found.set(job.id, job);
  return found;
}

const isInFlight = (job: Job): boolean => job.state === 'running' && lastAttempt(job)?.endedAt === undefined;

/** What the runner knows of all running launches, asked for in one go. */
async function describe(ctx: PipelineContext, jobs: Members): Promise<Map<string, TaskState>> {
  const inFlight = [...jobs.values()].filter((job) => job !== 'unreadable').filter(isInFlight);
  const refs = [...new Set(inFlight.flatMap((job) => lastAttempt(job)?.ref ?? []))];
  const states = refs.length > 0 ? await ctx.runner.describe(refs) : [];
  return new Map(states.map((state) => [state.ref, state]));
}

async function look(at: Look, jobs: Members): Promise<void> {
  const { ctx, entry } = at;
  const inFlight: Job[] = [];
  const settled: Job[] = [];
  for (const member of entry.members.filter(({ left }) => !left)) {
    const job = jobs.get(member.job);
    if (job === 'unreadable') continue;
    const last = job && lastAttempt(job);
    if (!job) {
      await drop(ctx, [member.job], entry.claim);
    } else if (isTerminal(job.state)) {
      await finish(ctx, job);
      // Admitted for an attempt that never was: its end came first.
      if (member.attempt > job.attempts.length) await drop(ctx, [job.id], entry.claim);
    } else if (job.state === 'waiting') {
      await lookAtClaim(at, member, job);
    } else if (last?.attempt !== member.attempt || last.claim !== entry.claim) {
      await drop(ctx, [member.job], entry.claim);
    } else {
      (last.endedAt === undefined ? inFlight : settled).push(job);
    }
  }
  await lookAtSteps(at, settled);
  if (inFlight.length > 0) await lookAtLaunch(at, inFlight);
}

/** Ended, and not yet validated and published: after a while, somebody has forgotten to. */
async function lookAtSteps({ ctx, entry, result, justStarted }: Look, settled: Job[]): Promise<void> {
  const patience = justStarted ? 0 : ctx.settings.stepTimeoutSeconds * 1000;
  const forgotten = settled.filter(
    ({ updatedAt }) => ctx.clock.now() - Math.max(updatedAt, entry.settledAt ?? 0) >= patience,
  );
  if (forgotten.length === 0) return;
  await follow(ctx, entry, forgotten);
  result.resumed += forgotten.length;
}

/** Admitted and not started: after a retry was decided, or by a dispatcher that died, or is only slow. */
async function lookAtClaim({ ctx, entry, result }: Look, member: Member, job: Job): Promise<void> {
  if (job.attempts.length >= member.attempt) {
    await follow(ctx, entry, [job]);
    return;
  }
  if (ctx.clock.now() - entry.claimedAt < CLAIM_TIMEOUT_MS) return;
  // Revoked in the job's own record, where the slow dispatcher must write too: one of the two is first.
  const { job: current, changed } = await updateJob(ctx, job.id, (now) =>
    now.state === 'waiting' && now.attempts.length < member.attempt
      ? { ...now, revokedClaim: entry.claim }
      : undefined,
  );
  if (!changed) return;
  await markWaiting(ctx, current);
  await drop(ctx, [job.id], entry.claim);
  result.revoked += 1;
}

async function lookAtLaunch(at: Look, jobs: Job[]): Promise<void> {
  const { ctx, entry, result, justStarted } = at;
  const ref = jobs.map((job) => lastAttempt(job)?.ref).find((one) => one !== undefined);
  const unstarted = jobs.filter((job) => lastAttempt(job)?.ref === undefined);
  const claimedAt = Math.max(...jobs.map((job) => lastAttempt(job)?.claimedAt ?? 0));
  const isFresh = ctx.clock.now() - claimedAt < CLAIM_TIMEOUT_MS;
  if (unstarted.length > 0) {
    if (isFresh && !justStarted) return;
    // All of them, also those that know it: it is the same container.
    if (ref === undefined) await launch(ctx, entry, jobs, { again: true });
    else await started(ctx, entry, jobs, ref);
    result.relaunched += 1;
  } else if (ref !== undefined) {
    await lookAtTask(at, jobs, ref, { claimedAt, isFresh });
  }
}

async function lookAtTask(
  at: Look,
  jobs: Job[],
  ref: string,
  { claimedAt, isFresh }: { claimedAt: number; isFresh: boolean },
): Promise<void> {
  const { ctx, entry, states, result, justStarted } = at;
  const state = states.get(ref);
  if (!state) {
    // Not in this sweep's question: it was launched since. Else the runner has forgotten it, an hour after its stop.
    if (isFresh) return;
    const reason = 'The container is gone, and nobody saw it end';
    await settleEntry(ctx, entry, { ref, launch: entry.launch, status: 'stopped', reason });
    result.settled += 1;
  } else if (state.status === 'stopped') {
    if (!justStarted && ctx.clock.now() - (state.stoppedAt ?? 0) < EVENT_GRACE_MS) return;
    await settleEntry(ctx, entry, state);
    result.settled += 1;
  } else {
    if (state.fetched) await tellFetched(ctx, entry);
    // ECS has no startedAt until the last container has started, when the inputs are there: the pull is what it tells first.
    await enforceDeadline(at, jobs, ref, state.pullStartedAt ?? state.startedAt ?? claimedAt);
  }
}

async function enforceDeadline(
  { ctx, entry, result }: Look,
  jobs: Job[],
  ref: string,
  since: number,
): Promise<void> {
  const now = ctx.clock.now();
  const asked = jobs.map((job) => lastAttempt(job)?.stopping);
  if (asked.every((stop) => stop !== undefined)) {
    const latest = asked.toSorted((a, b) => b.at - a.at)[0]!;
    if (now - latest.at >= STOP_AGAIN_MS) await ctx.runner.stop(ref, latest.cause);
    return;
  }
  const deadlineSeconds = launchDeadline(
    jobs.map((job) => {
      const { task, params } = taskOf(ctx, job);
      return task.deadlineSeconds({ bytes: job.bytes, params });
    }),
  );
  if (now - since < deadlineSeconds * 1000) return;
  let stopped = false;
  for (const { id, attempts } of jobs) {
    const { changed } = await updateJob(ctx, id, (current) =>
      stopping(current, attempts.length, { cause: 'deadline', at: now }),
    );
    stopped ||= changed;
  }
  if (!stopped) return;
  const [{ id, run, name, attempts }] = jobs as [Job];
  ctx.log.warn('Task:Stop:Deadline', {
    job: id,
    run,
    name,
    attempt: attempts.length,
    deadlineSeconds,
    ...(jobs.length === 1 ? {} : { launch: entry.launch, jobs: jobs.length }),
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
    try {
      if (await wake(ctx, id, marker)) due += 1;
    } catch (error) {
      tellUnreadable(ctx, id, error);
    }
  }
  return due;
}

/** True when its time has come now. */
async function wake(ctx: PipelineContext, id: string, marker: string): Promise<boolean> {
  const known = await readJob(ctx, id);
  const isDue = known?.state === 'waiting' && known.notBefore !== undefined && keys.delayed(known) === marker;
  if (isDue) {
    const { job } = await updateJob(ctx, id, (current) => {
      if (current.state !== 'waiting' || current.notBefore === undefined) return undefined;
      const { notBefore: _, ...rest } = current;
      return rest;
    });
    if (job.state === 'waiting') await markWaiting(ctx, job);
  } else if (known?.state === 'waiting' && known.notBefore === undefined) {
    // Its time had come, and whoever saw to it died before it was in line again.
    await markWaiting(ctx, known);
  }
  await ctx.records.delete(marker);
  return isDue;
}
