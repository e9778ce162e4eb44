/** The plan of a run: what will be made, what need not be, how long it takes and what it costs, before anything is started. */
import { identify } from '../pipeline/accept.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { freshness } from '../pipeline/fresh.ts';
import type { Job, Params } from '../pipeline/job.ts';
import type { ManifestJob } from '../pipeline/manifest.ts';
import type { Plan, PlannedJob } from '../pipeline/plan.ts';
import type { Receipt } from '../pipeline/receipt.ts';
import { startingSize } from '../pipeline/starting-size.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkParams } from '../tasks/params.ts';
import { cost } from '../tasks/prices.ts';
import { smallerOf } from '../tasks/sizes.ts';
import { estimate, factorOf } from './estimate.ts';
import { receiptsOf, someReceipts } from './history.ts';
import { lookAtAll, type Look } from './look.ts';
import { totalsOf } from './totals.ts';

export interface PlanRequest {
  run: string;
  manifest: { name: string; jobs: ManifestJob[]; notes?: string[] };
  /** US dollars. */
  maxCostUsd?: number | undefined;
  /** The plan that the run was started with: its jobs stay as they are, and are not looked at again. */
  before?: Plan | undefined;
  /** Called while the sources are looked at. */
  onProgress?: (looked: number, of: number) => void;
}

interface Wanted {
  job: ManifestJob;
  task: TaskDefinition;
  name: string;
  /** As given, and with the defaults. */
  given: Params;
  params: Record<string, unknown>;
  limits: string[];
}

/** Reads receipts and asks the servers of the sources; writes nothing. */
export async function makePlan(ctx: PipelineContext, request: PlanRequest): Promise<Plan> {
  const { run, manifest, before } = request;
  const known = new Map(before?.jobs.map((job) => [keyOf(job), job]));
  const wanted = manifest.jobs
    .map((job) => wantedOf(ctx, run, job))
    .filter(({ job, name }) => !known.has(keyOf({ ...job, name })));
  const looks = await lookAtAll(ctx, wanted, (looked) => request.onProgress?.(looked, wanted.length));
  const receipts = await receiptsOf(
    ctx,
    wanted.map(({ task, name }) => ({ task: task.name, name })),
  );
  const factors = await factorsOf(ctx, wanted, receipts);
  const planned = wanted.map((one, at) =>
    plannedJob(ctx, one, looks[at]!, receipts[at], factors.get(one.task.name)),
  );
  const jobs = [...(before?.jobs ?? []), ...planned].sort(inTurn);
  const { maxCostUsd = before?.maxCostUsd } = request;
  return {
    planVersion: 1,
    run,
    manifest: manifest.name,
    createdAt: before?.createdAt ?? new Date(ctx.clock.now()).toISOString(),
    maxTasks: ctx.settings.maxTasks,
    ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
    jobs,
    totals: totalsOf(jobs, ctx.settings),
    ...(manifest.notes?.length ? { notes: manifest.notes } : {}),
  };
}

/** Jobs of one name are one job of the run, whatever their parameters: the first plan holds. */
const keyOf = ({ task, name }: { task: string; name: string }): string => `${task} ${name}`;

/** As the dispatcher has them: the most urgent first, then the largest. */
const inTurn = (a: PlannedJob, b: PlannedJob): number =>
  a.priority - b.priority || b.bytes - a.bytes || (a.name < b.name ? -1 : 1);

function wantedOf(ctx: PipelineContext, run: string, job: ManifestJob): Wanted {
  const task = ctx.tasks.get(job.task);
  const checked = task && checkParams(task, job.params);
  // The manifest was checked against the same tasks.
  if (!task || !checked?.ok)
    throw new Error(`The job ${JSON.stringify(job)} is not as its task ${job.task} wants it`);
  const { name } = identify(ctx, { kind: 'job', run, ...job, sequence: '' });
  const { given, params } = checked;
  return { job, task, name, given, params, limits: task.limits?.(params) ?? [] };
}

/** Of tasks with jobs that were never made: how their rule compares with what was seen. */
async function factorsOf(
  ctx: PipelineContext,
  wanted: Wanted[],
  receipts: (Receipt | undefined)[],
): Promise<Map<string, number | undefined>> {
  const tasks = new Set(wanted.filter((_, at) => !receipts[at]).map(({ task }) => task));
  const factors = new Map<string, number | undefined>();
  for (const task of tasks) factors.set(task.name, factorOf(task, await someReceipts(ctx, task.name)));
  return factors;
}

function plannedJob(
  ctx: PipelineContext,
  { job, task, name, given, params, limits }: Wanted,
  look: Look,
  receipt: Receipt | undefined,
  factor: number | undefined,
): PlannedJob {
  const source = 'found' in look ? look.found : undefined;
  const bytes = source?.bytes ?? ('unreachable' in look ? (receipt?.sources[0]?.bytes ?? 0) : 0);
  const ceiling = smallerOf(task.ceiling, ctx.settings.ceiling);
  const size = startingSize(task, { bytes, given, params, ceiling, receipt });
  const spot = task.spot && ctx.settings.spotAvailable;
  const { seconds, basis } = estimate(
    task,
    { bytes, given, params: params as Params },
    { own: receipt, factor },
  );
  const planned: Pick<Job, 'params' | 'source'> = { params: given, ...(source ? { source } : {}) };
  const fresh = freshness(planned, task.freshness?.(params) ?? 0, receipt, ctx.clock.now());
  const fetchSeconds = task.fetch?.isNeeded(params)
    ? Math.min(seconds, task.fetch.expectedSeconds({ bytes, params }))
    : undefined;
  const { architecture } = ctx.settings;
  const costOf = (onSpot: boolean): number => round(cost({ size, spot: onSpot, seconds, architecture }), 6);
  return {
    task: task.name,
    params: given,
    priority: job.priority,
    name,
    bytes,
    size,
    spot,
    expectedSeconds: Math.max(0.1, round(seconds, 1)),
    basis,
    costUsd: { onDemand: costOf(false), spot: costOf(true) },
    limits,
    ...(fetchSeconds === undefined ? {} : { fetchSeconds: round(fetchSeconds, 1) }),
    ...(fresh === undefined ? {} : { fresh }),
    ...('found' in look ? {} : look),
    ...(source ? { source } : {}),
  };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
