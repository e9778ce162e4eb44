/** How far a run is, and how long it will go on. */
import type { PipelineContext } from '../pipeline/context.ts';
import { keys } from '../pipeline/keys.ts';
import type { Plan } from '../pipeline/plan.ts';
import { status, type Status } from '../pipeline/status.ts';
import { makespan } from './makespan.ts';
import { idsOf, readPlan } from './start.ts';
import { isToBeMade } from './totals.ts';

export interface Progress {
  run: string;
  status: Status;
  /** Absent of runs that were started without one. */
  plan?: Plan;
  /** Until the last job has ended, by the plan's estimates; absent when nobody knows. */
  leftSeconds?: number;
}

export async function progressOf(ctx: PipelineContext, run: string): Promise<Progress> {
  const [found, plan] = await Promise.all([status(ctx, { run }), readPlan(ctx, run)]);
  return {
    run,
    status: found,
    ...(plan ? { plan, leftSeconds: await leftSeconds(ctx, plan, found) } : {}),
  };
}

async function leftSeconds(ctx: PipelineContext, plan: Plan, { running }: Status): Promise<number> {
  const ended = new Set<string>();
  for await (const key of ctx.records.list(keys.run(plan.run))) {
    const [, , state, job = ''] = key.split('/');
    if (state !== 'accepted') ended.add(job);
  }
  const since = new Map(running.map(({ job, seconds }) => [job, seconds]));
  const ids = idsOf(ctx, plan);
  const left = plan.jobs.flatMap((job, at) => {
    const id = ids[at]!;
    if (ended.has(id) || !isToBeMade(job)) return [];
    const { expectedSeconds, fetchSeconds = expectedSeconds } = job;
    const past = since.get(id) ?? 0;
    return [
      {
        ...job,
        expectedSeconds: Math.max(1, expectedSeconds - past),
        fetchSeconds: Math.max(0, fetchSeconds - past),
      },
    ];
  });
  // What runs is ahead of what waits.
  const first = (name: string): number => (running.some((job) => job.name === name) ? 0 : 1);
  return makespan(
    left.sort((a, b) => first(a.name) - first(b.name)),
    ctx.settings,
  ).seconds;
}
