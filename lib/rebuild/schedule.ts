/** Schedules: runs that start by themselves, each time once, also when the machine was off at that time. */
import { Cron } from 'croner';
import type { PipelineContext } from '../pipeline/context.ts';
import { keys } from '../pipeline/keys.ts';
import { monthlyRun, monthOf, timedRun } from './run-name.ts';

export interface Schedule {
  /** Name or path. */
  manifest: string;
  /** Five parts, as in crontab(5). */
  cron: string;
  /** IANA name; this machine's without it. */
  timezone?: string;
  /** US dollars. */
  maxCostUsd?: number;
}

/** Where a schedule stands: the time up to which its starts are made. */
interface ScheduleRecord {
  manifest: string;
  cron: string;
  /** ISO 8601. */
  doneUntil: string;
}

/** Five parts: a sixth in front would be seconds, and a rebuild for each of them. */
const cronOf = ({ cron, timezone }: Schedule): Cron =>
  new Cron(cron, { paused: true, mode: '5-part', ...(timezone === undefined ? {} : { timezone }) });

/** Why the schedule can never fire; undefined when it can. */
export function scheduleFault(schedule: Schedule): string | undefined {
  try {
    return cronOf(schedule).nextRun() ? undefined : `"${schedule.cron}" is never due`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The latest time after `since` and up to `now` at which it was due. Of several that were missed, the last one stands for all. */
export function lastDue(schedule: Schedule, since: number, now: number): Date | undefined {
  // Before a time, not at it: a millisecond later.
  const [last] = cronOf(schedule).previousRuns(1, new Date(now + 1));
  return last && last.getTime() > since ? last : undefined;
}

/**
 * The same time gives the same run, whoever sees it first. A schedule that fires at most once a month names its runs as
 * `longshore rebuild` does by hand: the one goes on with what the other began.
 */
export function scheduledRun(schedule: Schedule, manifest: string, at: Date): string {
  const cron = cronOf(schedule);
  const month = monthOf(at, schedule.timezone);
  const [before] = cron.previousRuns(1, at);
  const around = [before, cron.nextRun(at)];
  const often = around.some((other) => other && monthOf(other, schedule.timezone) === month);
  return often ? timedRun(manifest, at) : monthlyRun(manifest, at, schedule.timezone);
}

/**
 * Starts what is due. A schedule that was never seen before is due from now on. `start` may be called twice for one time
 * (two processes; one that died before it could note it): it must make one run of that.
 */
export async function startDue(
  ctx: Pick<PipelineContext, 'records' | 'clock'>,
  schedule: Schedule,
  start: (schedule: Schedule, at: Date) => Promise<void>,
): Promise<boolean> {
  const { manifest, cron } = schedule;
  const key = keys.schedule(JSON.stringify([manifest, cron, schedule.timezone ?? '']));
  const now = ctx.clock.now();
  const noted = (at: Date): ScheduleRecord => ({ manifest, cron, doneUntil: at.toISOString() });
  const read = await ctx.records.read<ScheduleRecord>(key);
  if (!read) {
    await ctx.records.create(key, noted(new Date(now)));
    return false;
  }
  const due = lastDue(schedule, Date.parse(read.value.doneUntil), now);
  if (!due) return false;
  await start(schedule, due);
  // Whoever was faster has noted the same time, or a later one.
  await ctx.records.replace(key, noted(due), read.version);
  return true;
}
