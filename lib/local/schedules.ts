/** The schedules of a home: on AWS it is a rule of EventBridge that starts the rebuild function. */
import { isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePlan } from '../rebuild/make-plan.ts';
import { scheduledRun, startDue, type Schedule } from '../rebuild/schedule.ts';
import { readPlan, startRun } from '../rebuild/start.ts';
import { messageOf } from './errors.ts';
import type { Home } from './home.ts';
import { resolveManifest } from './manifests.ts';

const LOOK_EVERY_MS = 30_000;
/** An index that cannot be reached now may be in a while. */
const AGAIN_AFTER_MS = 5 * 60_000;

/** Starts what is due, now and later, until the signal. What cannot be started is told, and tried again. */
export async function keepSchedules(home: Home, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const good = await startSchedules(home);
    await sleep(good ? LOOK_EVERY_MS : AGAIN_AFTER_MS, undefined, { signal }).catch(() => {});
  }
}

/** Once. False when something could not be started. */
export async function startSchedules(home: Home): Promise<boolean> {
  const { ctx, settings } = home;
  let good = true;
  for (const schedule of settings.schedules ?? []) {
    try {
      await startDue(ctx, schedule, async (due, at) => await start(home, due, at));
    } catch (error) {
      good = false;
      ctx.log.error('Schedule:Start:Failed', { manifest: schedule.manifest, reason: messageOf(error) });
    }
  }
  return good;
}

async function start({ ctx, dir }: Home, schedule: Schedule, at: Date): Promise<void> {
  const manifest = await resolveManifest(placed(schedule.manifest, dir), {
    tasks: ctx.tasks,
    fetch: ctx.fetch,
  });
  const run = scheduledRun(schedule, manifest.name, at);
  const plan = await makePlan(ctx, {
    run,
    manifest,
    before: await readPlan(ctx, run),
    maxCostUsd: schedule.maxCostUsd,
  });
  await startRun(ctx, plan, manifest.areas);
  await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
  const { jobs, fresh } = plan.totals;
  ctx.log.info('Schedule:Start:Done', { run, manifest: manifest.name, due: at.toISOString(), jobs, fresh });
}

/** Paths are from the home folder; bare names are of manifests that come with longshore. */
const placed = (manifest: string, dir: string): string =>
  isAbsolute(manifest) || !/[/\\]|\.jsonl?$/.test(manifest) ? manifest : join(dir, manifest);
