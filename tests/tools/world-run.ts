/**
 * A run over the countries of the world in a home folder: accepted, dispatched, settled, validated and published by the
 * pipeline itself; only the containers are scripted, and the clock is moved by hand. For what shows runs: tests, the picture
 * in the README, measurements.
 */
import { createRequire } from 'node:module';
import { geoArea } from 'd3-geo';
import type { Feature, FeatureCollection, Geometry } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import * as z from 'zod';
import { openHome, type Home } from '../../lib/local/home.ts';
import type { MemoryMessage, MemoryQueue } from '../../lib/local/memory-queue.ts';
import { stagingKeys } from '../../lib/pipeline/attempt-record.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { handleMessage, handleStep } from '../../lib/pipeline/handle.ts';
import { planKeys, type Plan, type PlannedJob } from '../../lib/pipeline/plan.ts';
import { settle } from '../../lib/pipeline/settle.ts';
import { defineTask, type TaskDefinition } from '../../lib/tasks/define-task.ts';
import { cost } from '../../lib/tasks/prices.ts';
import { handleMessages } from '../doubles/handle-messages.ts';
import { ManualClock } from '../doubles/memory/clock.ts';
import { MemoryLog } from '../doubles/memory/log.ts';
import { ScriptedRunner, type Launched, type Act } from '../doubles/memory/task-runner.ts';

const TASK = 'terrain-map';
const SIZE = { vcpu: 2, memoryMiB: 4096, diskGiB: 20 };
const secondsFor = (bytes: number): number => 90 + bytes / 1e6;

/** Makes no file that is checked: what is shown is the run. */
const terrainMap = (sizes: ReadonlyMap<string, Country>): TaskDefinition =>
  defineTask({
    name: TASK,
    description: 'A map of a country',
    image: 'longshore/terrain-map',
    command: ['/bin/true'],
    accepts: [],
    params: z.object({ area: z.string().describe('An area') }),
    publishAs: ({ area }) => area,
    source: async ({ area }) => ({
      uri: `https://extracts.example/${area}`,
      bytes: sizes.get(area)?.bytes ?? 0,
    }),
    size: () => SIZE,
    ceiling: SIZE,
    deadlineSeconds: () => 14_400,
    expectedSeconds: ({ bytes }) => secondsFor(bytes),
    attempts: 2,
    spot: true,
    network: false,
    outputs: [
      {
        pattern: '*.txt',
        description: 'what was made',
        contentType: 'text/plain',
        atLeast: () => 1,
        checks: [],
      },
    ],
    metadata: [],
  });

export interface Country {
  name: string;
  /** Of its extract, made up from its extent. */
  bytes: number;
  geometry: Geometry;
}

const slug = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/^-+|-+$/g, '');

/** The countries of the world that world-atlas has, Antarctica left out: 240. */
export function countries(): Country[] {
  const require = createRequire(import.meta.url);
  const atlas = require('world-atlas/countries-50m.json') as Topology<{
    countries: GeometryCollection<{ name: string }>;
  }>;
  const { features } = feature(atlas, atlas.objects.countries);
  const named = new Map<string, Feature<Geometry, { name: string }>>(
    features.map((one) => [slug(one.properties.name), one]),
  );
  named.delete('antarctica');
  return [...named].map(([name, { geometry }]) => ({
    name,
    bytes: Math.round(2e6 + geoArea({ type: 'Feature', geometry, properties: {} }) * 1.2e10),
    geometry,
  }));
}

export interface WorldRunOptions {
  dir: string;
  run: string;
  countries: Country[];
  maxTasks: number;
  /** What a country's container does; by default it takes as long as was expected. */
  script?: (country: Country, launch: Launched) => Act;
  /** Log of an attempt, from its first moment on: JSON lines. */
  log?: (country: Country) => string;
  startAt?: number;
  withPlan?: boolean;
}

export interface WorldRun {
  home: Home;
  ctx: PipelineContext;
  clock: ManualClock;
  runner: ScriptedRunner;
  /** Lets so much time pass, in steps of as many seconds as the run needs. */
  pass(seconds: number): Promise<void>;
  /** Whatever is to be done at this moment. */
  work(): Promise<void>;
  close(): void;
}

export async function startWorldRun(options: WorldRunOptions): Promise<WorldRun> {
  const { dir, run, maxTasks, script, log } = options;
  const byName = new Map(options.countries.map((country) => [country.name, country]));
  const clock = new ManualClock(options.startAt);
  const home = await openHome({
    dir,
    tasks: new Map([[TASK, terrainMap(byName)]]),
    log: new MemoryLog(),
    engine: { tried: ['scripted'] },
    settings: { maxTasks },
  });
  const countryOf = (launch: Launched): Country => byName.get(launch.env.LONGSHORE_NAME ?? '')!;
  const runner = new ScriptedRunner(
    clock,
    home.ctx.stores.staging,
    (launch) => script?.(countryOf(launch), launch) ?? { seconds: secondsFor(countryOf(launch).bytes) },
  );
  const ctx: PipelineContext = {
    ...home.ctx,
    clock,
    runner,
    settings: { ...home.ctx.settings, memoryMiB: 1e9, ceiling: SIZE, spotAvailable: true },
  };
  const told = new Set<string>();
  const logged = new Set<Launched>();

  const work = async (): Promise<void> => {
    for (let busy = true; busy;) {
      busy = await drain(home.jobs, async (body) => void (await handleMessages(ctx, [body])));
      if ((await dispatch(ctx)).launched > 0) busy = true;
      for (const launch of runner.launches.filter((one) => log && !logged.has(one))) {
        logged.add(launch);
        await ctx.stores.staging.put(stagingKeys.log(launch.job, launch.attempt), log!(countryOf(launch)));
      }
      const untold = [...runner.tasks.keys()].filter((ref) => !told.has(ref));
      for (const state of await runner.describe(untold)) {
        if (state.status !== 'stopped') continue;
        told.add(state.ref);
        await settle(ctx, state);
        busy = true;
      }
      if (await drain(home.steps, async (body) => await handleStep(ctx, body))) busy = true;
    }
  };
  const pass = async (seconds: number): Promise<void> => {
    const until = clock.now() + seconds * 1000;
    await work();
    for (;;) {
      const next = runner.nextEnd();
      if (next === undefined || next > until) break;
      clock.advance(next - clock.now());
      await work();
    }
    clock.advance(until - clock.now());
    await work();
  };

  if (options.withPlan ?? true) await writePlan(ctx, options);
  for (const { name } of options.countries) {
    const params = { area: name };
    await handleMessage(ctx, { kind: 'job', run, task: TASK, params, sequence: '0', priority: 5 });
  }
  await work();
  return { home, ctx, clock, runner, pass, work, close: () => home.close() };
}

/** Handles what the queue holds now; false when there was nothing. */
async function drain(queue: MemoryQueue, handle: (body: string) => Promise<void>): Promise<boolean> {
  let some = false;
  for (;;) {
    const messages: MemoryMessage[] = await queue.receive({ waitSeconds: 0 });
    if (messages.length === 0) return some;
    for (const message of messages) {
      await handle(message.body);
      await message.ack();
      some = true;
    }
  }
}

async function writePlan(
  ctx: PipelineContext,
  { run, countries: all, maxTasks }: WorldRunOptions,
): Promise<void> {
  const planned = (bytes: number): Pick<PlannedJob, 'expectedSeconds' | 'costUsd'> => {
    const seconds = secondsFor(bytes);
    const usd = (spot: boolean): number => cost({ size: SIZE, spot, seconds, architecture: 'x86_64' });
    return { expectedSeconds: seconds, costUsd: { onDemand: usd(false), spot: usd(true) } };
  };
  const jobs: PlannedJob[] = all
    .toSorted((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes }) => ({
      task: TASK,
      params: { area: name },
      priority: 5,
      name,
      bytes,
      size: SIZE,
      spot: true,
      basis: 'size',
      limits: [],
      ...planned(bytes),
    }));
  const sum = (of: (job: PlannedJob) => number): number => jobs.reduce((total, job) => total + of(job), 0);
  const plan: Plan = {
    planVersion: 1,
    run,
    manifest: 'world',
    createdAt: new Date(ctx.clock.now()).toISOString(),
    maxTasks,
    jobs,
    totals: {
      jobs: jobs.length,
      fresh: 0,
      bytes: sum(({ bytes }) => bytes),
      seconds: sum(({ expectedSeconds }) => expectedSeconds),
      makespanSeconds: sum(({ expectedSeconds }) => expectedSeconds) / maxTasks,
      costUsd: { onDemand: sum(({ costUsd }) => costUsd.onDemand), spot: sum(({ costUsd }) => costUsd.spot) },
      peakVcpu: SIZE.vcpu * maxTasks,
    },
  };
  const areas: FeatureCollection = {
    type: 'FeatureCollection',
    features: all.map(({ name, geometry }) => ({
      type: 'Feature',
      properties: { task: TASK, name },
      geometry,
    })),
  };
  await ctx.stores.output.put(planKeys.plan(run), JSON.stringify(plan));
  await ctx.stores.output.put(planKeys.areas(run), JSON.stringify(areas));
}
