/**
 * Budgets of runs, kept in the admission record itself: what is spent and what is under way change with the entries, in the
 * same compare-and-swap, so that no number of dispatchers together admits more than the cap allows.
 *
 * Of a run with a budget always holds, when a launch is admitted: spent + expected cost of what runs + its own ≤ cap.
 */
import { cost } from '../tasks/prices.ts';
import type { Admission, Entry } from './admission.ts';
import type { PipelineSettings } from './context.ts';
import type { Job } from './job.ts';

export interface Budget {
  /** Nothing more of the run is started that could pass it. Absent: no cap, only the count. US dollars, as all here. */
  capUsd?: number;
  /** Cost of all attempts that are over, for good. */
  spentUsd: number;
}

/** A thousandth of a cent: sums of fractions are never quite what they should be. */
const TOLERANCE_USD = 1e-9;

/** What the job's next attempt should cost: at the price of the size and the market that it will have. */
export const expectedUsd = (
  job: Pick<Job, 'size' | 'spot' | 'expectedSeconds'>,
  { architecture }: Pick<PipelineSettings, 'architecture'>,
): number =>
  Number(
    cost({ size: job.size, spot: job.spot, seconds: job.expectedSeconds ?? 0, architecture }).toFixed(6),
  );

/** Expected cost of the run's attempts that are admitted and not counted as spent yet. */
export const underWayUsd = (entries: Entry[], run: string): number =>
  entries
    .filter((entry) => entry.run === run)
    .flatMap(({ members }) => members)
    .reduce((sum, member) => sum + (member.left ? 0 : member.expectedUsd), 0);

/** What may still be started of a run; Infinity without a cap. */
export function remainingUsd(
  { entries, budgets }: Pick<Admission, 'entries' | 'budgets'>,
  run: string,
): number {
  const budget = budgets?.[run];
  if (budget?.capUsd === undefined) return Infinity;
  return budget.capUsd - budget.spentUsd - underWayUsd(entries, run);
}

/** The jobs, in their order, that the budget of their run allows beside what is under way. */
export function affordable(
  admission: Pick<Admission, 'entries' | 'budgets'>,
  jobs: Job[],
  settings: Pick<PipelineSettings, 'architecture'>,
): Job[] {
  const left = new Map<string, number>();
  return jobs.filter((job) => {
    const remaining = left.get(job.run) ?? remainingUsd(admission, job.run);
    const wanted = remaining === Infinity ? 0 : expectedUsd(job, settings);
    if (wanted > remaining + TOLERANCE_USD) return false;
    left.set(job.run, remaining - wanted);
    return true;
  });
}

/** The budgets with what members of a run's launch have cost, who leave it. */
export const spend = (budgets: Admission['budgets'], run: string, usd: number): Admission['budgets'] => {
  const budget = budgets?.[run];
  return budget ? { ...budgets, [run]: { ...budget, spentUsd: budget.spentUsd + usd } } : budgets;
};
