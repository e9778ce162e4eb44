/** Starts a run, or goes on with it: the plan is written first, then its jobs are accepted, the largest first. */
import { text } from 'node:stream/consumers';
import type { Areas } from '../areas/shapes.ts';
import { accept, identify } from '../pipeline/accept.ts';
import { mapLimit } from '../pipeline/concurrency.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { Job } from '../pipeline/job.ts';
import type { JobMessage } from '../pipeline/messages.ts';
import { timeSequence } from '../pipeline/names.ts';
import { setBudget } from '../pipeline/set-budget.ts';
import { planKeys, type Plan, type PlannedJob } from '../pipeline/plan.ts';

/** Records written at once. */
const ACCEPTS_AT_ONCE = 8;
/** The first containers need not wait until the last of ten thousand jobs is accepted. */
const WAKE_EVERY = 50;

type Stores = Pick<PipelineContext, 'stores'>;

/** The plan that a run was started with. */
export async function readPlan({ stores }: Stores, run: string): Promise<Plan | undefined> {
  const key = planKeys.plan(run);
  if (!(await stores.output.head(key))) return undefined;
  return JSON.parse(await text(await stores.output.get(key))) as Plan;
}

/** Before the first job is accepted: whoever looks at the run later knows what it was to be. */
async function writePlan({ stores }: Stores, plan: Plan, areas: Areas | undefined): Promise<void> {
  if (areas) {
    await stores.output.put(planKeys.areas(plan.run), JSON.stringify(areas), {
      contentType: 'application/geo+json',
    });
  }
  await stores.output.put(planKeys.plan(plan.run), `${JSON.stringify(plan, null, 1)}\n`, {
    contentType: 'application/json',
  });
}

/** The messages of a plan's jobs, in their order. The same plan gives the same jobs, however often. */
export function messagesOf(plan: Plan): JobMessage[] {
  const sequence = timeSequence(Date.parse(plan.createdAt));
  return plan.jobs.map((job) => messageOf(plan.run, sequence, job));
}

function messageOf(run: string, sequence: string, job: PlannedJob): JobMessage {
  const { task, params, priority, source, expectedSeconds } = job;
  const known = source === undefined ? {} : { source };
  return { kind: 'job', run, task, params, priority, sequence, expectedSeconds, ...known };
}

/** Each job of the plan, accepted now or before. The run can be told from its plan as soon as there is a first job. */
export async function startRun(ctx: PipelineContext, plan: Plan, areas: Areas | undefined): Promise<Job[]> {
  await writePlan(ctx, plan, areas);
  await setBudget(ctx, plan.run, plan.maxCostUsd);
  return await acceptAll(ctx, messagesOf(plan));
}

/**
 * In their order, waking the dispatcher now and then. It is for the caller to wake it at the end. `atOnce`: fewer where each
 * asks a server about its source.
 */
export async function acceptAll(
  ctx: PipelineContext,
  messages: readonly JobMessage[],
  { atOnce = ACCEPTS_AT_ONCE } = {},
): Promise<Job[]> {
  let taken = 0;
  const accepted = await mapLimit(messages, atOnce, async (message) => {
    const job = await accept(ctx, message);
    taken += 1;
    if (taken % WAKE_EVERY === 0) await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
    return job;
  });
  return accepted.filter((job) => job !== undefined);
}

/** Ids of a plan's jobs, accepted or not. */
export const idsOf = (ctx: Pick<PipelineContext, 'tasks'>, plan: Plan): string[] =>
  messagesOf(plan).map((message) => identify(ctx, message).id);
