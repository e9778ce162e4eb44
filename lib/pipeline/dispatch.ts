/** Starts what waits: the most urgent first, then the largest, as many as fit. */
import { admit, pause, readAdmission, release, released, room, type Admission } from './admission.ts';
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

/**
 * `run`: start only jobs of this run (a `longshore run` beside a running `longshore up`). `wakes`: messages that came with
 * this call; what they free is taken out of the admission first.
 */
export async function dispatch(
  ctx: PipelineContext,
  { run, wakes = [] }: { run?: string; wakes?: WakeMessage[] } = {},
): Promise<DispatchResult> {
  const admission = released(await readAdmission(ctx), wakes, ctx.clock.now());
  const { launches, waitSeconds } = room(admission, ctx);
  const found = launches > 0 ? await gather(ctx, run, launches, admission) : undefined;
  if (!found?.launches.length) {
    await release(ctx, wakes);
    return { launched: 0, waiting: 0, ...retryAfter([waitSeconds, found?.waitSeconds]) };
  }
  const admitted = await admit(ctx, found.launches, wakes);
  let paused: number | undefined;
  let launched = 0;
  let jobs = 0;
  await mapLimit(admitted, CONCURRENCY, async (entry) => {
    const outcome = await start(ctx, entry);
    if (outcome?.outcome === 'started') {
      launched += 1;
      jobs += entry.members.length;
    }
    if (outcome?.outcome === 'wait')
      paused = Math.max(paused ?? 0, outcome.retryAfterSeconds ?? PAUSE_SECONDS);
  });
  // Beside others that were launched it is one container's bad luck, no reason for all to wait long.
  if (paused !== undefined && launched > 0) paused = Math.min(paused, LUCKLESS_PAUSE_SECONDS);
  if (paused !== undefined) await pause(ctx, paused);
  // As many as there was room or launch quota for, or as were looked at: more may wait. With no room left, the next look says so.
  const more = admitted.length === launches || (launched > 0 && found.more) ? 1 : undefined;
  return {
    launched,
    waiting: found.launches.flat().length - jobs,
    ...retryAfter(paused === undefined ? [more, found.waitSeconds] : [paused]),
  };
}

/** Between two looks while only the launch quota holds launches back: five launches’ worth. */
const QUOTA_PAUSE_MS = 250;

/**
 * {@link dispatch}, again and again for so long, while there is room and only Fargate's launch quota holds launches back. A
 * wake-up of its own for each would come two seconds later, and find forty launches saved up.
 */
export async function dispatchAtQuota(
  ctx: PipelineContext,
  options: { wakes?: WakeMessage[] },
  seconds: number,
): Promise<DispatchResult> {
  const until = ctx.clock.now() + seconds * 1000;
  let result = await dispatch(ctx, options);
  let { launched } = result;
  while (result.launched > 0 && (result.retryAfterSeconds ?? Infinity) <= 1 && ctx.clock.now() < until) {
    await ctx.clock.sleep(QUOTA_PAUSE_MS);
    result = await dispatch(ctx);
    launched += result.launched;
  }
  return { ...result, launched };
}

function retryAfter(times: (number | undefined)[]): { retryAfterSeconds?: number } {
  const known = times.filter((seconds) => seconds !== undefined);
  return known.length === 0 ? {} : { retryAfterSeconds: Math.min(...known) };
}

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
