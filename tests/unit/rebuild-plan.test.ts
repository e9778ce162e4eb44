import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { ManifestJob } from '../../lib/pipeline/manifest.ts';
import { planKeys, type Plan } from '../../lib/pipeline/plan.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { status } from '../../lib/pipeline/status.ts';
import {
  BusySourceError,
  defineTask,
  UnknownSourceError,
  type TaskDefinition,
} from '../../lib/tasks/define-task.ts';
import { estimate, factorOf } from '../../lib/rebuild/estimate.ts';
import { lookAtAll, type Sought } from '../../lib/rebuild/look.ts';
import { makePlan } from '../../lib/rebuild/make-plan.ts';
import { makespan, type Timed } from '../../lib/rebuild/makespan.ts';
import { readPlan, startRun } from '../../lib/rebuild/start.ts';
import { KilledError, textTask, World, type WorldOptions } from '../doubles/world.ts';

const MIB = 1024 * 1024;

/** Areas with a source on a mirror: 1 MiB takes a minute and 10 s, and 2 GiB of memory for 4 MiB of it. */
const areaTask = defineTask({
  ...textTask,
  params: z.object({
    area: z.string().describe('An area'),
    freshness: z.number().default(0).describe('Days'),
  }),
  needsFile: () => undefined,
  publishAs: ({ area }) => area,
  freshness: ({ freshness }) => freshness,
  limits: () => ['mirror:m'],
  source: async ({ area }, fetch) => {
    const uri = `http://m/${area}`;
    const response = await fetch(uri, { method: 'HEAD' });
    if (response.status === 404) throw new UnknownSourceError(`There is no area "${area}"`);
    if (!response.ok) throw new Error(`${uri} answered HTTP ${response.status}`);
    const etag = response.headers.get('etag')!;
    return { uri, etag, bytes: Number(response.headers.get('content-length')) };
  },
  size: ({ bytes }) => ({ vcpu: 1, memoryMiB: bytes > 4 * MIB ? 4096 : 2048, diskGiB: 20 }),
  expectedSeconds: ({ bytes }) => 10 + (60 * bytes) / MIB,
  outputs: textTask.outputs,
  metadata: [],
});

/** A mirror whose areas can be changed; it counts what it is asked. */
class Mirror {
  readonly areas = new Map<string, { mib: number; etag: string }>();
  readonly asked: string[] = [];
  status = 200;

  put(area: string, mib: number, etag = 'v1'): this {
    this.areas.set(area, { mib, etag });
    return this;
  }

  fetch: typeof fetch = async (input) => {
    const area = new URL(input).pathname.slice(1);
    this.asked.push(area);
    const found = this.areas.get(area);
    const headers = { etag: found?.etag ?? '', 'content-length': String((found?.mib ?? 0) * MIB) };
    return new Response(null, { status: found ? this.status : 404, headers });
  };
}

const worldOf = (mirror: Mirror, options: WorldOptions = {}): World =>
  new World({
    tasks: [areaTask],
    fetch: mirror.fetch,
    script: () => ({ seconds: 40, outputs: { 'out.txt': 'good' } }),
    ...options,
  });

const jobsOf = (...areas: string[]): ManifestJob[] =>
  areas.map((area) => ({ task: 'text', params: { area, freshness: 25 }, priority: 5 }));

async function planOf(
  world: World,
  areas: string[],
  more: { run?: string; before?: Plan | undefined } = {},
): Promise<Plan> {
  return await makePlan(world.context, {
    run: 'world-2026-11',
    manifest: { name: 'world', jobs: jobsOf(...areas) },
    ...more,
  });
}

const timed = (seconds: number, limits: string[] = [], memoryMiB = 2048): Timed => ({
  expectedSeconds: seconds,
  limits,
  size: { vcpu: 2, memoryMiB, diskGiB: 20 },
});

const sought = (area: string, limits = ['mirror:m']): Sought => ({
  task: areaTask,
  params: { area, freshness: 0 },
  limits,
});

const mirrorOf = (): Mirror => new Mirror().put('a', 1).put('b', 2).put('c', 3);

describe('the makespan', () => {
  test('is that of list scheduling on as many containers', () => {
    const jobs = [10, 5, 5, 5].map((seconds) => timed(seconds));
    expect(makespan(jobs, { maxTasks: 1, limits: {} })).toMatchObject({
      seconds: 25,
      peakVcpu: 2,
      peakTasks: 1,
    });
    expect(makespan(jobs, { maxTasks: 2, limits: {} })).toMatchObject({
      seconds: 15,
      peakVcpu: 4,
      peakTasks: 2,
    });
    expect(makespan(jobs, { maxTasks: 9, limits: {} })).toEqual({ seconds: 10, peakVcpu: 8, peakTasks: 4 });
    expect(makespan([], { maxTasks: 9, limits: {} }).seconds).toBe(0);
  });

  test('knows the named limits, and says which one holds jobs back', () => {
    const jobs = [timed(10, ['mirror']), timed(5, ['mirror']), timed(5, ['other']), timed(5)];
    const room = { maxTasks: 3, limits: { mirror: 1 } };
    expect(makespan(jobs, room)).toMatchObject({ seconds: 15, peakTasks: 3, heldBy: 'mirror' });
    expect(makespan(jobs, { maxTasks: 3, limits: { mirror: 9 } }).heldBy).toBeUndefined();
    // Each fetches for 2 s, and then the next may.
    const fetching = jobs.map((job) => ({ ...job, fetchSeconds: 2 }));
    const { heldBy, ...rest } = makespan(fetching, { maxTasks: 9, limits: { mirror: 1 } });
    expect(rest).toEqual({ seconds: 10, peakVcpu: 8, peakTasks: 4 });
    expect(heldBy).toBe('mirror');
  });

  test('knows how quickly Fargate takes launches, and the memory of one machine', () => {
    const many = Array.from({ length: 300 }, () => timed(1));
    expect(makespan(many, { maxTasks: 1000, limits: {} }).seconds).toBeCloseTo(11, 6);
    const jobs = [timed(10, [], 3000), timed(10, [], 3000), timed(10, [], 1000), timed(10, [], 9000)];
    expect(makespan(jobs, { maxTasks: 9, limits: {}, memoryMiB: 4000 }).seconds).toBe(30);
  });

  test('of the whole world is told at once', () => {
    const world = Array.from({ length: 5000 }, (_, at) => timed(5000 - at, ['mirror']));
    const { seconds } = makespan(world, { maxTasks: 50, limits: { mirror: 10 } });
    expect(seconds).toBeGreaterThanOrEqual((5000 * 5001) / 2 / 10);
    expect(seconds).toBeLessThan(((5000 * 5001) / 2 / 10) * 1.01);
  });
});

describe('the expected time', () => {
  const receipt = (seconds: number, mib: number, more: object = {}): Receipt =>
    ({
      params: { area: 'a' },
      inputs: [],
      sources: [{ uri: 'http://m/a', bytes: mib * MIB }],
      attempts: [{ cause: 'succeeded', seconds }],
      ...more,
    }) as unknown as Receipt;
  const work = { bytes: 2 * MIB, given: { area: 'a' }, params: { area: 'a' } };

  test('is what the last one took, scaled as the task file scales it', () => {
    // 130 s by the rule, where the last one should have taken 70 s and took 35.
    expect(estimate(areaTask, work, { own: receipt(35, 1) })).toEqual({ seconds: 65, basis: 'receipt' });
    expect(estimate(areaTask, { ...work, bytes: 0 }, { own: receipt(35, 1) }).seconds).toBe(35);
  });

  test('knows that other parameters take other times, and what had to go on with less memory', () => {
    const task: TaskDefinition = {
      ...textTask,
      params: z.object({ area: z.string(), kind: z.enum(['quick', 'slow']).default('quick') }),
      expectedSeconds: ({ bytes, params }) => ((params['kind'] === 'slow' ? 10 : 1) * bytes) / MIB,
    };
    const slow = { params: { area: 'a', kind: 'slow' } };
    const quick = { bytes: 2 * MIB, given: { area: 'a' }, params: { area: 'a', kind: 'quick' } };
    expect(estimate(task, quick, { own: receipt(30, 1, slow) }).seconds).toBe(6);
    const sunk = { ...slow, paramsAsked: { area: 'a' } };
    expect(estimate(task, quick, { own: receipt(30, 1, sunk) }).seconds).toBe(60);
  });

  test('is by the median of what others took, which an odd one does not move', () => {
    const half = [receipt(35, 1), receipt(65, 2), receipt(5000, 1)];
    expect(factorOf(areaTask, half)).toBe(0.5);
    expect(factorOf(areaTask, [...half, receipt(70, 1)])).toBe(0.75);
    expect(estimate(areaTask, work, { factor: 0.5 })).toEqual({ seconds: 65, basis: 'similar' });
  });

  test('is the task file’s where too few have been made, or none that succeeded at last', () => {
    const failed = receipt(35, 1, { attempts: [{ cause: 'out-of-memory', seconds: 35 }] });
    expect(factorOf(areaTask, [receipt(35, 1), receipt(35, 1), failed])).toBeUndefined();
    expect(estimate(areaTask, work, { own: failed })).toEqual({ seconds: 130, basis: 'size' });
  });
});

async function mostAtOnce(limits: Record<string, number>): Promise<number> {
  let [now, most] = [0, 0];
  const mirror = new Mirror();
  const fetchOf: typeof fetch = async (input) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return await mirror.fetch(input);
  };
  const { context } = worldOf(mirror, { fetch: fetchOf, settings: { limits } });
  await lookAtAll(
    context,
    Array.from({ length: 30 }, (_, at) => sought(`a${at}`)),
  );
  return most;
}

describe('looking at many sources', () => {
  test('asks one mirror four at a time, or as few as its limit says', async () => {
    expect(await mostAtOnce({})).toBe(4);
    expect(await mostAtOnce({ 'mirror:m': 2 })).toBe(2);
    expect(await mostAtOnce({ 'mirror:m': 50 })).toBe(4);
  });

  test('answers in order, tells what is not there, and what could not be asked', async () => {
    const mirror = new Mirror().put('a', 1).put('c', 3);
    const { context } = worldOf(mirror);
    const progress: number[] = [];
    const looks = await lookAtAll(
      context,
      ['a', 'b', 'c'].map((area) => sought(area)),
      (at) => progress.push(at),
    );
    expect(looks).toMatchObject([
      { found: { bytes: MIB } },
      { refused: 'There is no area "b"' },
      { found: { bytes: 3 * MIB } },
    ]);
    expect(progress).toEqual([1, 2, 3]);
    mirror.status = 503;
    expect(await lookAtAll(context, [sought('a')])).toEqual([
      { unreachable: 'http://m/a answered HTTP 503' },
    ]);
    // Twice: it may have been a hiccup.
    expect(mirror.asked.filter((area) => area === 'a')).toHaveLength(3);
  });

  test('leaves a busy mirror alone for as long as it says, and asks it again', async () => {
    const mirror = mirrorOf();
    let answers = 0;
    const busyTask: TaskDefinition = {
      ...textTask,
      source: async () => {
        answers += 1;
        if (answers < 4) throw new BusySourceError('http://m/a answered HTTP 429', answers === 3 ? 9999 : 7);
        return { uri: 'http://m/a', bytes: 5 };
      },
    };
    const { context } = worldOf(mirror);
    const slept: number[] = [];
    const clock = { ...context.clock, now: () => 0, sleep: async (ms: number) => void slept.push(ms) };
    const looks = await lookAtAll({ ...context, clock }, [{ ...sought('a'), task: busyTask }]);
    expect(looks).toMatchObject([{ found: { bytes: 5 } }]);
    expect(slept).toEqual([7000, 7000, 30_000]);
  });

  test('gives up on a mirror that is down, and names what was not asked', async () => {
    const mirror = new Mirror();
    for (let at = 0; at < 200; at += 1) mirror.put(`a${at}`, 1);
    mirror.status = 503;
    const { context } = worldOf(mirror);
    const looks = await lookAtAll(
      context,
      [...mirror.areas.keys()].map((area) => sought(area)),
    );
    expect(looks).toHaveLength(200);
    expect(looks.every((look) => 'unreachable' in look)).toBe(true);
    expect(looks.at(-1)).toEqual({ unreachable: 'not asked: the last 20 questions to mirror:m failed' });
    expect(mirror.asked.length).toBeLessThan(60);
  });
});

describe('the plan', () => {
  test('has the largest first, each with time, size and cost, and what they come to', async () => {
    const world = worldOf(new Mirror().put('small', 1).put('large', 8).put('middle', 2), {
      settings: { maxTasks: 2, limits: { 'mirror:m': 1 } },
    });
    const plan = await planOf(world, ['small', 'large', 'middle', 'gone']);
    expect(
      plan.jobs.map(({ name, expectedSeconds, size, basis }) => [
        name,
        expectedSeconds,
        size.memoryMiB,
        basis,
      ]),
    ).toEqual([
      ['large', 490, 4096, 'size'],
      ['middle', 130, 2048, 'size'],
      ['small', 70, 2048, 'size'],
      ['gone', 10, 2048, 'size'],
    ]);
    expect(plan.jobs.at(-1)).toMatchObject({ refused: 'There is no area "gone"' });
    const onDemand = (490 * (0.04048 + 4 * 0.004445) + 200 * (0.04048 + 2 * 0.004445)) / 3600;
    expect(plan.totals).toMatchObject({
      jobs: 3,
      fresh: 0,
      bytes: 11 * MIB,
      seconds: 690,
      makespanSeconds: 690,
      heldBy: 'mirror:m',
      peakVcpu: 1,
      costUsd: { onDemand: expect.closeTo(onDemand, 4), spot: expect.closeTo(onDemand * 0.3, 4) },
    });
    // Nothing was started, nothing written.
    expect(world.records.records.size + world.stores.output.objects.size).toBe(0);
  });

  test('leaves out what is fresh: the same source, published within the days', async () => {
    const mirror = new Mirror().put('same', 1).put('changed', 1).put('new', 1);
    const world = worldOf(mirror);
    await startRun(world.context, await planOf(world, ['same', 'changed'], { run: 'first' }), undefined);
    await world.settleAll();
    mirror.put('changed', 2, 'v2');
    world.clock.advance(20 * 86_400_000);
    const plan = await planOf(world, ['same', 'changed', 'new']);
    expect(
      Object.fromEntries(plan.jobs.map(({ name, fresh, basis }) => [name, [fresh !== undefined, basis]])),
    ).toEqual({
      same: [true, 'receipt'],
      changed: [false, 'receipt'],
      new: [false, 'size'],
    });
    expect(plan.totals).toMatchObject({ jobs: 2, fresh: 1 });
    // It took 40 s for 1 MiB, and now there are two.
    expect(plan.jobs.find(({ name }) => name === 'changed')!.expectedSeconds).toBeCloseTo((40 * 130) / 70, 0);

    world.clock.advance(10 * 86_400_000);
    expect((await planOf(world, ['same'])).totals).toMatchObject({ jobs: 1, fresh: 0 });
  });

  test('names what could not be looked at, with the size that it had the last time', async () => {
    const mirror = new Mirror().put('a', 3);
    const world = worldOf(mirror);
    await startRun(world.context, await planOf(world, ['a'], { run: 'first' }), undefined);
    await world.settleAll();
    mirror.status = 500;
    const [job] = (await planOf(world, ['a'])).jobs;
    expect(job).toMatchObject({ bytes: 3 * MIB, unreachable: 'http://m/a answered HTTP 500' });
    expect(job!.fresh).toBeUndefined();
  });

  test('gives memory at once that was needed the last time', async () => {
    const mirror = new Mirror().put('a', 1);
    const world = worldOf(mirror, {
      script: ({ size }) =>
        size.memoryMiB < 8192 ? { outOfMemory: true } : { outputs: { 'out.txt': 'good' } },
    });
    await startRun(world.context, await planOf(world, ['a'], { run: 'first' }), undefined);
    await world.settleAll();
    expect(world.job('a').attempts).toHaveLength(3);
    mirror.put('a', 1, 'v2');
    const plan = await planOf(world, ['a'], { run: 'second' });
    expect(plan.jobs).toMatchObject([{ size: { memoryMiB: 8192 } }]);
    await startRun(world.context, plan, undefined);
    await world.settleAll();
    const second = world.allJobs().find(({ run }) => run === 'second');
    expect(second).toMatchObject({ state: 'published', attempts: [{ size: { memoryMiB: 8192 } }] });
  });
});

describe('a run', () => {
  const AREAS = ['a', 'b', 'c', 'gone'];
  /** As the command does it: plan, with what is there of the run, and start. */
  async function rebuild(world: World): Promise<void> {
    const before = await readPlan(world.context, 'world-2026-11');
    await startRun(world.context, await planOf(world, AREAS, { before }), undefined);
  }

  test('started again makes nothing again, and asks nobody again', async () => {
    const mirror = mirrorOf();
    const world = worldOf(mirror);
    await rebuild(world);
    await world.settleAll();
    const { length } = mirror.asked;
    await rebuild(world);
    await world.settleAll();
    expect((await status(world.context)).jobs).toMatchObject({ published: 3, quarantined: 1 });
    expect(world.runner.launches).toHaveLength(3);
    expect(mirror.asked).toHaveLength(length);
  });

  test('started again with a longer manifest makes what is new', async () => {
    const mirror = mirrorOf().put('gone', 1);
    const world = worldOf(mirror);
    const first = await planOf(world, ['a', 'b']);
    await startRun(world.context, first, undefined);
    await world.settleAll();
    await rebuild(world);
    await world.settleAll();
    const plan = await readPlan(world.context, 'world-2026-11');
    expect(plan).toMatchObject({ createdAt: first.createdAt, totals: { jobs: 4 } });
    expect((await status(world.context)).jobs).toMatchObject({ published: 4 });
    expect(world.runner.launches).toHaveLength(4);
  });

  test('writes its plan before its first job, whenever it is killed; started again it is whole', async () => {
    for (let n = 0; ; n += 1) {
      const world = worldOf(mirrorOf());
      world.callsLeft = n;
      const killed = await rebuild(world).then(
        () => false,
        (error: unknown) => error instanceof KilledError,
      );
      await new Promise((resolve) => setImmediate(resolve));
      world.callsLeft = Number.POSITIVE_INFINITY;
      const hasPlan = world.stores.output.objects.has(planKeys.plan('world-2026-11'));
      expect({ n, planned: hasPlan || world.records.records.size === 0 }).toEqual({ n, planned: true });
      await rebuild(world);
      await world.settleAll();
      expect({ n, ...(await status(world.context)).jobs }).toMatchObject({ n, published: 3, quarantined: 1 });
      expect({ n, launches: world.runner.launches.length }).toEqual({ n, launches: 3 });
      if (!killed) break;
    }
  });
});
