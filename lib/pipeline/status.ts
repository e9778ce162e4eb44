/** What waits, runs, and has ended: answered by listing, whatever the number of jobs. */
import { readAdmission } from './admission.ts';
import { mapGood } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import {
  JOB_STATES,
  isTerminal,
  lastAttempt,
  type Cause,
  type Job,
  type JobPhase,
  type JobState,
} from './job.ts';
import { keys, parseTurn } from './keys.ts';
import { readJob } from './ledger.ts';
import { waitingSets, type WaitingSet } from './sets.ts';
import { budgetsOf, type BudgetStatus } from './set-budget.ts';
import type { FargateSize } from '../ports.ts';

export type Counts = Record<JobState, number>;

export interface RunningJob {
  job: string;
  run: string;
  task: string;
  name: string;
  attempt: number;
  phase: JobPhase;
  ref?: string;
  size: FargateSize;
  /** Since its claim. */
  seconds: number;
}

export interface EndedJob {
  job: string;
  run: string;
  task: string;
  name: string;
  state: JobState;
  cause?: Cause;
  reason?: string;
  receipt?: string;
}

export interface UnreadableJob {
  job: string;
  reason: string;
}

export interface Status {
  run?: string;
  jobs: Counts;
  runs: { run: string; jobs: Counts }[];
  running: RunningJob[];
  /** Failed and quarantined jobs, at most {@link MAX_FAILURES}, in name order. */
  failures: EndedJob[];
  /** Granules that are no job yet: their files are not all there. Of all runs, as they belong to none yet. */
  sets: WaitingSet[];
  /** Of the runs that have one. */
  budgets: BudgetStatus[];
  /** Jobs whose records are broken: nothing is done with them until somebody mends or removes these. */
  unreadable: UnreadableJob[];
}

/** Reasons are in the job records, one read each. */
const MAX_FAILURES = 1000;

const none = (): Counts => Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Counts;

/** `run`: only this run. */
export async function status(ctx: PipelineContext, { run }: { run?: string } = {}): Promise<Status> {
  const unreadable: UnreadableJob[] = [];
  const failed = (job: string, error: unknown): number => unreadable.push({ job, reason: String(error) });
  const read = async (ids: string[]): Promise<Job[]> => {
    const jobs = await mapGood(ids, 16, async (id) => await readJob(ctx, id), failed);
    return jobs.filter((job) => job !== undefined);
  };
  const { entries } = await readAdmission(ctx);
  const members = entries.flatMap((entry) => entry.members.filter(({ left }) => !left)).map(({ job }) => job);
  const [{ states, waiting }, admitted, sets] = await Promise.all([
    statesOf(ctx, run),
    read(members),
    run === undefined ? waitingSets(ctx) : [],
  ]);
  await forget(states, members, read);
  const jobs = none();
  const runs = new Map<string, Counts>();
  const unpublished: string[] = [];
  for (const [job, { run: of, state }] of states) {
    const counts = runs.get(of) ?? none();
    runs.set(of, counts);
    counts[state] += 1;
    jobs[state] += 1;
    if (state === 'failed' || state === 'quarantined') unpublished.push(job);
  }
  const budgets = await budgetsOf(ctx, waitingByRun(states, waiting));
  const failures = await read(unpublished.slice(0, MAX_FAILURES));
  return {
    ...(run === undefined ? {} : { run }),
    jobs,
    runs: [...runs]
      .map(([of, counts]) => ({ run: of, jobs: counts }))
      .sort((a, b) => (a.run < b.run ? -1 : 1)),
    running: admitted
      .filter((job) => job.state === 'running' && (run === undefined || job.run === run))
      .map((job) => runningJob(ctx, job)),
    failures: failures.filter(({ state }) => isTerminal(state)).map(endedJob),
    sets,
    budgets,
    unreadable,
  };
}

/** In the order in which they wait; also runs of which nothing does. */
function waitingByRun(
  states: Map<string, { run: string; state: JobState }>,
  inOrder: Iterable<string>,
): Map<string, string[]> {
  const waiting = new Map([...states.values()].map(({ run }) => [run, [] as string[]]));
  for (const job of inOrder) {
    const known = states.get(job);
    if (known?.state === 'waiting') waiting.get(known.run)?.push(job);
  }
  return waiting;
}

/**
 * Each accepted job's state, from three listings. What is accepted, has not ended and does not wait is running: it holds
 * a container, or its outputs are being validated and published.
 */
async function statesOf(
  ctx: PipelineContext,
  run: string | undefined,
): Promise<{ states: Map<string, { run: string; state: JobState }>; waiting: Set<string> }> {
  const [waiting, ended] = await Promise.all([waitingJobs(ctx), runMarkers(ctx, run)]);
  const states = new Map<string, { run: string; state: JobState }>();
  for (const { run: of, state, job } of ended) {
    if (state === 'accepted') {
      if (!states.has(job)) states.set(job, { run: of, state: waiting.has(job) ? 'waiting' : 'running' });
    } else {
      states.set(job, { run: of, state });
    }
  }
  return { states, waiting };
}

/** In the order in which they wait. */
async function waitingJobs(ctx: PipelineContext): Promise<Set<string>> {
  const jobs = new Set<string>();
  for (const prefix of [keys.waitingPrefix, keys.delayedPrefix]) {
    for await (const key of ctx.records.list(prefix)) jobs.add(parseTurn(key).job);
  }
  return jobs;
}

async function runMarkers(
  ctx: PipelineContext,
  run: string | undefined,
): Promise<{ run: string; state: JobState | 'accepted'; job: string }[]> {
  const markers: { run: string; state: JobState | 'accepted'; job: string }[] = [];
  for await (const key of ctx.records.list(run === undefined ? keys.runs : keys.run(run))) {
    const [, of = '', state = '', job = ''] = key.split('/');
    markers.push({ run: of, state: state as JobState | 'accepted', job });
  }
  return markers;
}

/**
 * Leaves out jobs that seem to be running and have no slot and no record: half accepted, or removed by hand. They would be
 * running for ever.
 */
async function forget(
  states: Map<string, { state: JobState }>,
  members: string[],
  read: (ids: string[]) => Promise<Job[]>,
): Promise<void> {
  const slots = new Set(members);
  const doubtful = [...states].flatMap(([job, { state }]) =>
    state === 'running' && !slots.has(job) ? [job] : [],
  );
  const known = new Set((await read(doubtful)).map(({ id }) => id));
  for (const job of doubtful) if (!known.has(job)) states.delete(job);
}

function runningJob(ctx: PipelineContext, job: Job): RunningJob {
  const last = lastAttempt(job);
  return {
    job: job.id,
    run: job.run,
    task: job.task,
    name: job.name,
    attempt: job.attempts.length,
    phase: job.phase ?? 'launching',
    ...(last?.ref === undefined ? {} : { ref: last.ref }),
    size: last?.size ?? job.size,
    seconds: (ctx.clock.now() - (last?.claimedAt ?? job.updatedAt)) / 1000,
  };
}

function endedJob({ id: job, run, task, name, state, cause, reason, receipt }: Job): EndedJob {
  return {
    job,
    run,
    task,
    name,
    state,
    ...(cause === undefined ? {} : { cause }),
    ...(reason === undefined ? {} : { reason }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}
