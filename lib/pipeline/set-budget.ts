/** Gives a run a budget, or another one: a higher cap lets it go on. */
import { updateAdmissionOf, readAdmission, type Admission } from './admission.ts';
import { remainingUsd, underWayUsd, expectedUsd } from './budget.ts';
import { mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { keys } from './keys.ts';
import { readJob } from './ledger.ts';

const READS_AT_ONCE = 16;

type Ledger = Pick<PipelineContext, 'records'>;

/** `capUsd` undefined: no cap; what is spent is counted all the same, so that a later cap knows it. */
export async function setBudget(ctx: Ledger, run: string, capUsd: number | undefined): Promise<void> {
  await updateAdmissionOf(ctx, async (admission) => {
    const known = admission.budgets?.[run];
    if (known && known.capUsd === capUsd) return undefined;
    // What ended before the run had a budget. Should anything end meanwhile, the record is another, and this is done again.
    const spentUsd = known?.spentUsd ?? (await spentBefore(ctx, run, admission));
    const budget = { ...(capUsd === undefined ? {} : { capUsd }), spentUsd };
    return { ...admission, budgets: { ...admission.budgets, [run]: budget } };
  });
}

/** Of attempts that have ended: those that are admitted still will be counted when they leave. */
async function spentBefore(ctx: Ledger, run: string, { entries }: Admission): Promise<number> {
  const admitted = new Set(
    entries.flatMap(({ members }) =>
      members.filter(({ left }) => !left).map(({ job, attempt }) => `${job} ${attempt}`),
    ),
  );
  let spent = 0;
  for (const { id, attempts } of await jobsOfRun(ctx, run)) {
    for (const { attempt, costUsd = 0 } of attempts) if (!admitted.has(`${id} ${attempt}`)) spent += costUsd;
  }
  return spent;
}

async function jobsOfRun(ctx: Ledger, run: string): Promise<Job[]> {
  const prefix = `${keys.run(run)}accepted/`;
  const ids: string[] = [];
  for await (const key of ctx.records.list(prefix)) ids.push(key.slice(prefix.length));
  const jobs = await mapLimit(ids, READS_AT_ONCE, async (id) => await readJob(ctx, id));
  return jobs.filter((job) => job !== undefined);
}

export interface BudgetStatus {
  run: string;
  capUsd?: number;
  spentUsd: number;
  /** Expected cost of what runs. */
  underWayUsd: number;
  /** Waiting jobs that the budget does not allow to start, as things stand. */
  held: number;
}

/** `waiting`: ids of the jobs that wait, by run, in the order in which they wait. */
export async function budgetsOf(
  ctx: Pick<PipelineContext, 'records' | 'settings'>,
  waiting: ReadonlyMap<string, string[]>,
): Promise<BudgetStatus[]> {
  const admission = await readAdmission(ctx);
  const budgets = Object.entries(admission.budgets ?? {}).filter(([run]) => waiting.has(run));
  return await mapLimit(budgets, 1, async ([run, budget]) => {
    const held = await heldBy(ctx, remainingUsd(admission, run), waiting.get(run) ?? []);
    return { run, ...budget, underWayUsd: underWayUsd(admission.entries, run), held };
  });
}

/**
 * The first that waits is the largest: while the budget allows that one, nothing is held, and no other record need be read.
 * Somebody may look at five hundred waiting jobs every other second.
 */
async function heldBy(
  ctx: Pick<PipelineContext, 'records' | 'settings'>,
  remaining: number,
  ids: string[],
): Promise<number> {
  if (remaining === Infinity) return 0;
  const isHeld = async (id: string): Promise<boolean> => {
    const job = await readJob(ctx, id);
    return job?.state === 'waiting' && expectedUsd(job, ctx.settings) > remaining;
  };
  const [first, ...rest] = ids;
  if (first === undefined || !(await isHeld(first))) return 0;
  const held = await mapLimit(rest, READS_AT_ONCE, isHeld);
  return 1 + held.filter((one) => one).length;
}

/** Jobs that wait for nothing but a higher budget: while anything of their run is under way, it may cost less than expected. */
export const heldOf = (budgets: readonly BudgetStatus[]): number =>
  budgets.reduce((sum, { held, underWayUsd: busy }) => sum + (busy > 0 ? 0 : held), 0);
