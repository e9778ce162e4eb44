/** The run as a whole: counts, progress, what it costs, and when it will be done. */
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { Plan } from '../../lib/pipeline/plan.ts';
import { cost } from '../../lib/tasks/prices.ts';
import type { ForecastParts } from './forecast.ts';
import {
  VIEW_STATES,
  type CostView,
  type Forecast,
  type JobView,
  type Summary,
  type ViewState,
} from './view.ts';

/** A dispatcher starts what waits within seconds, a sweep within a minute: after this, nothing works on the run. */
const IDLE_AFTER_MS = 120_000;

export interface SummaryParts {
  ctx: PipelineContext;
  run: string;
  plan: Plan | undefined;
  /** Of its budget, if it has one. */
  capUsd: number | undefined;
  forecastOf: (parts: ForecastParts) => Forecast;
  jobs: Iterable<JobView>;
  /** Slots that the run holds. */
  containers: number;
  /** Milliseconds since the epoch; 0 when nothing of it was ever seen running. */
  activeAt: number;
  unread: number;
  troubles: string[];
}

export function summarize({ ctx, run, plan, jobs: all, forecastOf, ...parts }: SummaryParts): Summary {
  const { capUsd, containers, activeAt, unread, troubles } = parts;
  const now = ctx.clock.now();
  const jobs = [...all];
  const counts = Object.fromEntries(VIEW_STATES.map((state) => [state, 0])) as Record<ViewState, number>;
  for (const { state } of jobs) counts[state] += 1;
  const maxTasks = plan?.maxTasks ?? ctx.settings.maxTasks;
  // Other runs, limits and quotas take their share: what is in use tells more than what is allowed.
  const slots = counts.waiting > 0 && containers > 0 ? containers : maxTasks;
  const active = counts.running > 0 || now - activeAt < IDLE_AFTER_MS;
  const open = openOf({ counts });
  const over = open === 0;
  const startedAt = least(jobs.map((job) => job.startedAt));
  const endedAt = over ? most(jobs.map((job) => job.endedAt)) : undefined;
  return {
    run,
    now,
    ...(plan ? { manifest: plan.manifest } : {}),
    counts,
    total: jobs.length,
    progress: progressOf(jobs),
    containers,
    maxTasks,
    forecast: forecastOf({ jobs, open, slots, now, active }),
    cost: { ...costOf(ctx, plan, jobs, now), ...(capUsd === undefined ? {} : { maxUsd: capUsd }) },
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    unread,
    troubles,
  };
}

/** Jobs that have not ended. */
export const openOf = ({ counts }: Pick<Summary, 'counts'>): number =>
  counts.waiting + counts.running + counts.held;

const isOpen = ({ state }: JobView): boolean =>
  state === 'waiting' || state === 'running' || state === 'held';

/**
 * By the seconds that each is expected to take where all of them have an estimate, else each counts as one. What ended without
 * a container, fresh or refused, was no work.
 */
function progressOf(jobs: JobView[]): number {
  if (jobs.length === 0) return 0;
  const made = jobs.filter((job) => isOpen(job) || (job.attempts ?? 0) > 0);
  if (made.length === 0) return 1;
  const weighed = made.every(({ expectedSeconds }) => expectedSeconds !== undefined && expectedSeconds > 0);
  const weight = (job: JobView): number => (weighed ? (job.expectedSeconds ?? 0) : 1);
  const total = made.reduce((sum, job) => sum + weight(job), 0);
  return made.reduce((sum, job) => sum + (isOpen(job) ? 0 : weight(job)), 0) / total;
}

function costOf(ctx: PipelineContext, plan: Plan | undefined, jobs: JobView[], now: number): CostView {
  const { architecture } = ctx.settings;
  let [usd, spotUsd, endedUsd, plannedEndedUsd] = [0, 0, 0, 0];
  let asPlanned = 0;
  for (const job of jobs) {
    const { state, size, startedAt, launch, spot = false, costUsd = 0, plannedUsd = 0, attempts = 0 } = job;
    // Until its container stops, what it has cost up to now; an equal part of a container that it shares.
    const underWay =
      state === 'running' && job.phase === 'processing' && size && startedAt !== undefined
        ? cost({ size, spot, seconds: (now - startedAt) / 1000, architecture }) / (launch?.jobs ?? 1)
        : 0;
    usd += costUsd + underWay;
    if (spot) spotUsd += costUsd + underWay;
    asPlanned += plannedUsd;
    if (isOpen(job) || attempts === 0) continue;
    endedUsd += costUsd;
    plannedEndedUsd += plannedUsd;
  }
  return {
    usd,
    spotUsd,
    endedUsd,
    ...(plan ? { planned: { ...plan.totals.costUsd, asPlanned }, plannedEndedUsd } : {}),
  };
}

function least(values: (number | undefined)[]): number | undefined {
  return values.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
}

function most(values: (number | undefined)[]): number | undefined {
  return values.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
}
