/** Starts what waits: the most urgent first, then the largest, as many as fit. */
import {
  admit,
  pause,
  readAdmission,
  release,
  released,
  room,
  type Admission,
  type Entry,
} from './admission.ts';
import { mapGood, mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { keys, limitsOfTurn, parseTurn } from './keys.ts';
import { start } from './launch.ts';
import { readJob, tellUnreadable } from './ledger.ts';
import type { WakeMessage } from './messages.ts';
import { PackGatherer } from './packs.ts';

export interface DispatchResult {
  /** Containers. */
  launched: number;
  /** Jobs that were looked at and could not start. */
  waiting: number;
  /** When more could start without anybody's wake-up: launch quota, or a pause after a throttle. */
  retryAfterSeconds?: number;
}

/** Launches made at once. One takes half a second with its records, and 20/s are allowed: two dispatchers are enough. */
const CONCURRENCY = 16;
/** Job records read at once. */
const READS = 16;
/** Waiting jobs looked at in one go: those that a named limit holds back must not hide all others. */
const LOOK_AT = 1000;
/** After a refusal without a time of its own. */
const PAUSE_SECONDS = 5;
const LUCKLESS_PAUSE_SECONDS = 2;
/** After a pause: a refusal that comes so much later is another matter. */
const PEACE_MS = 60_000;

/**
 * `run`: start only jobs of this run (a `longshore run` beside a running `longshore up`). `wakes`: messages that came with
 * this call; what they free is taken out of the admission first.
 */
export async function dispatch(
  ctx: PipelineContext,
  options: { run?: string; wakes?: WakeMessage[] } = {},
): Promise<DispatchResult> {
  const look = await admitNext(ctx, options);
  return resultOf(look, await startAll(ctx, look));
}

/** One look at what waits. */
interface Look {
  admitted: Entry[];
  /** That were gathered for launches. */
  jobs: number;
  /** As many as there was room or launch quota for. */
  isFull: boolean;
  /** Some that wait were not looked at. */
  more: boolean;
  /** Until time alone makes room, or a pack has waited long enough. */
  waitSeconds?: number;
  /** No refusal came for a while. */
  isPeaceful: boolean;
}

async function admitNext(
  ctx: PipelineContext,
  { run, wakes = [] }: { run?: string; wakes?: WakeMessage[] },
): Promise<Look> {
  const admission = released(await readAdmission(ctx), wakes, ctx.clock.now());
  const { launches, waitSeconds } = room(admission, ctx);
  const isPeaceful = ctx.clock.now() - (admission.pausedUntil ?? 0) > PEACE_MS;
  const found = launches > 0 ? await gather(ctx, run, launches, admission) : undefined;
  if (!found?.launches.length) {
    await release(ctx, wakes);
    const wait = least([waitSeconds, found?.waitSeconds]);
    return { admitted: [], jobs: 0, isFull: false, more: false, isPeaceful, ...wait };
  }
  const admitted = await admit(ctx, found.launches, wakes);
  return {
    admitted,
    jobs: found.launches.flat().length,
    isFull: admitted.length === launches,
    more: found.more,
    isPeaceful,
    ...least([found.waitSeconds]),
  };
}

const least = (times: (number | undefined)[]): { waitSeconds?: number } => {
  const known = times.filter((seconds) => seconds !== undefined);
  return known.length === 0 ? {} : { waitSeconds: Math.min(...known) };
};

interface Started {
  launched: number;
  jobs: number;
  /** For how long nobody launches. */
  pausedSeconds?: number;
}

async function startAll(ctx: PipelineContext, { admitted, isPeaceful }: Look): Promise<Started> {
  const started: Started = { launched: 0, jobs: 0 };
  await mapLimit(admitted, CONCURRENCY, async (entry) => {
    const outcome = await start(ctx, entry);
    if (outcome?.outcome === 'started') {
      started.launched += 1;
      started.jobs += entry.members.length;
    }
    if (outcome?.outcome === 'wait')
      started.pausedSeconds = Math.max(
        started.pausedSeconds ?? 0,
        outcome.retryAfterSeconds ?? PAUSE_SECONDS,
      );
  });
  if (started.pausedSeconds === undefined) return started;
  // Beside others that were launched, or the first for a while, it is one container's bad luck, no reason for all to wait long.
  if (started.launched > 0 || isPeaceful)
    started.pausedSeconds = Math.min(started.pausedSeconds, LUCKLESS_PAUSE_SECONDS);
  await pause(ctx, started.pausedSeconds);
  return started;
}

function resultOf(
  { jobs, isFull, more, waitSeconds }: Look,
  { launched, jobs: startedJobs, pausedSeconds }: Started,
): DispatchResult {
  // Full, or not all was looked at: more may wait. With no room left, the next look says so.
  const soon = isFull || (launched > 0 && more) ? 1 : undefined;
  const retryAfterSeconds = pausedSeconds ?? least([soon, waitSeconds]).waitSeconds;
  return {
    launched,
    waiting: jobs - startedJobs,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** Between two looks while only the launch quota holds launches back: five launches’ worth. */
const QUOTA_PAUSE_MS = 250;
/** Before it leaves: the wake-up's way to the next one, which gathers wake-ups for a second. */
const HAND_OVER_MS = 3000;

/**
 * {@link dispatch}, again and again for so long, while there is room and only Fargate's launch quota holds launches back. A
 * wake-up of its own for each would come two seconds later, and find forty launches saved up. The quota does not wait for
 * launches to be carried out (half a second), so neither does the next look.
 */
export async function dispatchAtQuota(
  ctx: PipelineContext,
  options: { wakes?: WakeMessage[] },
  seconds: number,
): Promise<DispatchResult> {
  const until = ctx.clock.now() + seconds * 1000;
  const failures: unknown[] = [];
  const starts: Promise<Started>[] = [];
  const begin = async (what: { wakes?: WakeMessage[] }): Promise<Look> => {
    const next = await admitNext(ctx, what);
    starts.push(
      startAll(ctx, next).catch((error: unknown) => {
        failures.push(error);
        return { launched: 0, jobs: 0 };
      }),
    );
    return next;
  };
  let look = await begin(options);
  let isHandedOver = false;
  while (isHeldByQuota(look) && failures.length === 0 && ctx.clock.now() < until) {
    if (!isHandedOver && ctx.clock.now() >= until - HAND_OVER_MS) {
      await ctx.jobs.send([JSON.stringify({ kind: 'wake' } satisfies WakeMessage)]);
      isHandedOver = true;
    }
    await ctx.clock.sleep(QUOTA_PAUSE_MS);
    look = await begin({});
  }
  const ends = await Promise.all(starts);
  if (failures.length > 0) throw failures[0];
  const paused = ends.flatMap(({ pausedSeconds }) => pausedSeconds ?? []);
  const launched = ends.reduce((sum, end) => sum + end.launched, 0);
  const last = { ...ends.at(-1)!, ...(paused.length === 0 ? {} : { pausedSeconds: Math.max(...paused) }) };
  return { ...resultOf(look, last), launched };
}

/** Whether others could be launched in a moment, when the quota allows. */
const isHeldByQuota = ({ admitted, isFull, more, waitSeconds = Infinity }: Look): boolean =>
  waitSeconds < 1 || isFull || (admitted.length > 0 && more);

/**
 * The first waiting jobs that fit beside what runs and beside each other, as launches: those held back hide none behind
 * them. `more`: some were not looked at.
 */
async function gather(
  ctx: PipelineContext,
  run: string | undefined,
  launches: number,
  admission: Admission,
): Promise<{ launches: Job[][]; waitSeconds?: number; more: boolean }> {
  const gatherer = new PackGatherer(ctx, admission, launches);
  let looked = 0;
  let chunk: string[] = [];
  const unreadable = (key: string, error: unknown): void => tellUnreadable(ctx, parseTurn(key).job, error);
  const takeChunk = async (): Promise<void> => {
    for (const job of await mapGood(chunk, READS, (key) => waitingJob(ctx, key), unreadable))
      if (job) gatherer.take(job);
    looked += chunk.length;
    chunk = [];
  };
  // Page by page: most often the first page has enough.
  for await (const key of ctx.records.list(keys.waitingPrefix)) {
    if (run !== undefined && parseTurn(key).run !== run) continue;
    if (!gatherer.hasUseFor(limitsOfTurn(key))) continue;
    if (looked + chunk.length === LOOK_AT) {
      await takeChunk();
      return { ...gatherer.result(), more: !gatherer.isFull() };
    }
    chunk.push(key);
    if (chunk.length === READS) await takeChunk();
    if (gatherer.isFull()) return { ...gatherer.result(), more: true };
  }
  await takeChunk();
  return { ...gatherer.result(), more: false };
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
