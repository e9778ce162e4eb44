/** What `longshore rebuild` says before it waits, and at its end. */
import { mapLimit } from '../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { isTerminal, type Job } from '../lib/pipeline/job.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import type { Plan } from '../lib/pipeline/plan.ts';
import { heldOf } from '../lib/pipeline/set-budget.ts';
import { status, type Counts, type EndedJob } from '../lib/pipeline/status.ts';
import { idsOf } from '../lib/rebuild/start.ts';
import { formatSeconds, formatUsd } from './format.ts';

export interface RebuildResult {
  run: string;
  jobs: Counts;
  /** Of the published: those that were fresh, and needed no container. */
  fresh: number;
  /** Container seconds, all attempts together. */
  seconds: number;
  /** What they cost, or would have cost on Fargate, in US dollars. */
  costUsd: number;
  failures: EndedJob[];
  /** Jobs that wait for a higher budget. */
  held: number;
}

const READS_AT_ONCE = 16;

/** No container was needed: what was there before is the result. */
const isFresh = ({ state, attempts }: Job): boolean => state === 'published' && attempts.length === 0;

export async function rebuildResult(ctx: PipelineContext, plan: Plan): Promise<RebuildResult> {
  const { jobs, failures, budgets } = await status(ctx, { run: plan.run });
  const read = await mapLimit(idsOf(ctx, plan), READS_AT_ONCE, async (id) => await readJob(ctx, id));
  const attempts = read.flatMap((job) => job?.attempts ?? []);
  return {
    run: plan.run,
    jobs,
    fresh: read.filter((job) => job && isFresh(job)).length,
    seconds: round(attempts.reduce((sum, { seconds = 0 }) => sum + seconds, 0)),
    costUsd: round(attempts.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0)),
    failures,
    held: heldOf(budgets),
  };
}

const round = (value: number): number => Number(value.toFixed(6));

/** How a run stands when it is started, or started again: what is to be done, and why the rest is not. */
export function standing(jobs: Job[]): string {
  const count = (is: (job: Job) => boolean): number => jobs.filter(is).length;
  const left = count(({ state }) => !isTerminal(state));
  const parts: [number, string][] = [
    [count(isFresh), 'fresh, their sources unchanged'],
    [count((job) => job.state === 'published' && !isFresh(job)), 'made by this run before'],
    [count(({ state }) => state === 'failed'), 'failed before'],
    [count(({ state }) => state === 'quarantined'), 'set aside'],
    [count(({ state }) => state === 'cancelled'), 'cancelled before'],
  ];
  const rest = parts.filter(([number]) => number > 0).map(([number, why]) => `${number} ${why}`);
  return [
    left === 0 ? `nothing to do, of ${jobs.length} jobs` : `${left} of ${jobs.length} jobs to do`,
    ...rest,
  ].join('; ');
}

export function resultText({ run, jobs, fresh, seconds, costUsd, failures, held }: RebuildResult): string {
  const counts = Object.entries(jobs).filter(([, count]) => count > 0);
  const states = counts.map(([state, count]) => `${count} ${state}`).join(', ');
  return [
    `${run}: ${states}${fresh > 0 ? ` (${fresh} fresh)` : ''}; ${formatSeconds(seconds)} of containers, ${formatUsd(costUsd)}`,
    ...failures.map(
      ({ state, name, reason }) => `  ${state}: ${name}: ${reason ?? 'no reason was recorded'}`,
    ),
    ...(held > 0
      ? [`  ${held} are held by the budget: the same command with a higher --max-cost goes on`]
      : []),
    ...(jobs.failed + jobs.quarantined + jobs.cancelled > 0
      ? [`  to try these again: longshore retry ${run} --failed`]
      : []),
  ].join('\n');
}
