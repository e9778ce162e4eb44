/** The rebuild function's work: the plan of a manifest, then all of its jobs, as `longshore rebuild` does it. */
import { posix } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import * as z from 'zod';
import world from '../../manifests/world.json' with { type: 'json' };
import { readAddress } from '../areas/read-address.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { manifestText } from '../pipeline/manifest-faults.ts';
import { resolveManifestText, type ResolvedManifest } from '../pipeline/resolve-manifest.ts';
import { ObjectMissingError, type ObjectStore } from '../ports.ts';
import { makePlan } from '../rebuild/make-plan.ts';
import { monthlyRun, RUN_NAME, RUN_NAME_RULE, timedRun } from '../rebuild/run-name.ts';
import { readPlan, startRun } from '../rebuild/start.ts';
import type { RebuildEnvironment } from './environment.ts';

/** A setting that is misspelt, above all the budget, must not be one that is not there. */
export const RebuildEvent = z.strictObject({
  /** When the schedule fired (ISO 8601): the run is named by it, so that an event that comes twice is one run. */
  time: z.string().exactOptional(),
  /** Another manifest than the one of LONGSHORE_MANIFEST: its key in the state bucket. */
  manifest: z.string().min(1).exactOptional(),
  /** An earlier run to go on with. */
  run: z.string().regex(RUN_NAME, RUN_NAME_RULE).exactOptional(),
  /** Another budget than LONGSHORE_MAX_COST. */
  maxCostUsd: z.number().positive().exactOptional(),
});
export type RebuildEvent = z.infer<typeof RebuildEvent>;

/** EventBridge's, which has more that is nothing to us. */
export interface ScheduledEvent {
  'detail-type': string;
  time: string;
}

export interface RebuildAnswer {
  run: string;
  /** URI. */
  manifest: string;
  jobs: number;
  fresh: number;
  costUsd: { onDemand: number; spot: number };
}

/** The manifest that comes with longshore is in the bundle: a schedule needs no upload. */
const SHIPPED: Record<string, string> = { 'manifests/world.json': JSON.stringify(world) };

/** Idempotent: called again, it goes on with the same run. Throws `ZodError` for an event that is not as {@link RebuildEvent}. `state`: the state bucket, where manifests are. */
export async function rebuild(
  ctx: PipelineContext,
  state: ObjectStore,
  asked: RebuildEvent | ScheduledEvent,
  settings: Pick<
    RebuildEnvironment,
    'LONGSHORE_MANIFEST' | 'LONGSHORE_MAX_COST' | 'LONGSHORE_REBUILD_PERIOD'
  >,
): Promise<RebuildAnswer> {
  const event = RebuildEvent.parse('detail-type' in asked ? { time: asked.time } : asked);
  const key = event.manifest ?? settings.LONGSHORE_MANIFEST;
  const manifest = await readManifest(ctx, state, key);
  const run = event.run ?? runOf(manifest.name, event.time, settings.LONGSHORE_REBUILD_PERIOD);
  const plan = await makePlan(ctx, {
    run,
    manifest,
    before: await readPlan(ctx, run),
    maxCostUsd: event.maxCostUsd ?? settings.LONGSHORE_MAX_COST,
  });
  await startRun(ctx, plan, manifest.areas);
  await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
  const { jobs, fresh, costUsd } = plan.totals;
  return { run, manifest: state.uri(key), jobs, fresh, costUsd };
}

function runOf(name: string, time: string | undefined, period: 'month' | 'time'): string {
  const at = time === undefined ? new Date() : new Date(time);
  if (Number.isNaN(at.getTime())) throw new Error(`The time is "${time}", but must be ISO 8601`);
  return period === 'month' ? monthlyRun(name, at, 'UTC') : timedRun(name, at);
}

async function readManifest(
  ctx: PipelineContext,
  state: ObjectStore,
  key: string,
): Promise<ResolvedManifest> {
  return await resolveManifestText(await textOf(state, key), state.uri(key), {
    tasks: ctx.tasks,
    readIndex: async (index) => {
      if (/^https?:/.test(index)) return { uri: index, text: await readAddress(index, ctx.fetch) };
      const beside = posix.join(posix.dirname(key), index);
      return { uri: state.uri(beside), text: await text(await state.get(beside)) };
    },
  });
}

async function textOf(state: ObjectStore, key: string): Promise<string> {
  try {
    return manifestText(await buffer(await state.get(key)), state.uri(key));
  } catch (error) {
    const shipped = error instanceof ObjectMissingError ? SHIPPED[key] : undefined;
    if (shipped === undefined) throw error;
    return shipped;
  }
}
