import { beforeAll, describe, expect, test } from '@jest/globals';
import { main } from '../../cli/main.ts';
import { readSimulatedJobs } from '../../cli/simulated-jobs.ts';
import { readTasks, type Tasks } from '../../cli/tasks-folder.ts';
import { compareKeys } from '../../lib/local/keys.ts';
import { VirtualClock } from '../../lib/simulate/clock.ts';
import { SortedKeys } from '../../lib/simulate/memory/sorted-keys.ts';
import { randomOf } from '../../lib/simulate/random.ts';
import { reportOf, type Report } from '../../lib/simulate/report.ts';
import { KIND_CHANCES, USUAL_CHANCES, type Scenario } from '../../lib/simulate/scenario.ts';
import { simulate } from '../../lib/simulate/simulate.ts';
import type { Stack } from '../../lib/simulate/stack.ts';

let tasks: Tasks;
let world: Scenario;
beforeAll(async () => {
  tasks = await readTasks();
  world = {
    ...(await readSimulatedJobs('world', tasks, { seed: 1 })),
    seed: 1,
    settings: { maxTasks: 50, limits: {}, architecture: 'x86_64' },
    spot: false,
    quotaVcpu: 10_000,
    chances: KIND_CHANCES,
    order: 'largest-first',
  };
});

/** 540 areas, largest first, nothing but run times by chance. */
let kind: Promise<Report> | undefined;
const kindWorld = async (): Promise<Report> => await (kind ??= run({}));

const run = async (change: Partial<Scenario>): Promise<Report> =>
  reportOf(await simulate(tasks, { ...world, ...change }));
const small = (count: number): Scenario['jobs'] => world.jobs.filter((_, at) => at % 5 === 0).slice(0, count);

const isFull = ({ fargate }: Stack): boolean => fargate.launches.length >= 1200;

describe('a simulated world', () => {
  test('of 540 areas, 50 at once, is made within 2 % of what no order could beat', async () => {
    const report = await kindWorld();
    expect(report.states).toEqual({ published: 540 });
    expect(report.makespanSeconds).toBeGreaterThanOrEqual(report.lowerBoundSeconds);
    expect(report.makespanSeconds).toBeLessThanOrEqual(1.02 * report.lowerBoundSeconds);
    expect(report.peakTasks).toBe(50);
    expect(report.errors).toEqual([]);
  });

  test('takes longer when its areas wait in the order of the manifest', async () => {
    const [largestFirst, manifest] = [await kindWorld(), await run({ order: 'manifest' })];
    expect(manifest.containerSeconds / largestFirst.containerSeconds).toBeCloseTo(1, 2);
    expect(manifest.makespanSeconds).toBeGreaterThan(1.02 * largestFirst.makespanSeconds);
  });

  test('is the same world again with the same seed, and another with another', async () => {
    const jobs = small(60);
    const [first, again, other] = [await run({ jobs }), await run({ jobs }), await run({ jobs, seed: 2 })];
    expect(again).toEqual(first);
    expect(other.makespanSeconds).not.toBe(first.makespanSeconds);
  });

  test('publishes every area whatever happens to its containers and events', async () => {
    const chances = {
      ...USUAL_CHANCES,
      spotLossesPerHour: 4,
      neverStarted: 0.1,
      eventLost: 0.2,
      eventTwice: 0.2,
      noCapacity: 0.1,
      memorySigma: 0.6,
    };
    const report = await run({ jobs: small(100), spot: true, chances });
    expect(report.states).toEqual({ published: 100 });
    expect(Object.keys(report.retries).sort()).toEqual(['interrupted', 'never-started', 'out-of-memory']);
    expect(report.refusals['capacity']).toBeGreaterThan(0);
    expect(report.peakTasks).toBeLessThanOrEqual(50);
  });

  test('waits where the account has no more vCPU, and loses nothing to it', async () => {
    const report = await run({ jobs: small(60), quotaVcpu: 24 });
    expect(report.states).toEqual({ published: 60 });
    expect(report.peakVcpu).toBeLessThanOrEqual(24);
    expect(report.refusals['quota']).toBeGreaterThan(0);
    expect(report.launches).toBe(60);
  });

  test.each([1, 2, 3])(
    'fills 1,200 slots as fast as Fargate’s launch quota lets, within 2 %%: seed %i',
    async (seed) => {
      const jobs = (await readSimulatedJobs('world', tasks, { seed, areas: 1500 })).jobs;
      const { stack } = await simulate(
        tasks,
        { ...world, jobs, seed, settings: { ...world.settings, maxTasks: 1200 } },
        isFull,
      );
      const [first, last] = [stack.fargate.launches[0]!, stack.fargate.launches[1199]!];
      // A bucket of 100, and 20 a second.
      expect((last - first) / 1000).toBeLessThanOrEqual(1.02 * ((1200 - 100) / 20));
      expect(stack.log.errors).toEqual([]);
    },
  );

  test('downloads from a mirror no more at once than its limit says, and makes more than that at once', async () => {
    const limits = { 'mirror:download.geofabrik.de': 4 };
    const simulated = await simulate(tasks, {
      ...world,
      jobs: small(40),
      settings: { ...world.settings, limits },
    });
    const shares = [...simulated.stack.fargate.tasks.values()].flatMap(
      ({ launchedAt, fetchedAt = Infinity }) => [
        { at: launchedAt, by: 1 },
        { at: fetchedAt, by: -1 },
      ],
    );
    let held = 0;
    const most = shares.toSorted((a, b) => a.at - b.at).map(({ by }) => (held += by));
    expect(Math.max(...most)).toBe(4);
    const report = reportOf(simulated);
    expect(report).toMatchObject({ states: { published: 40 } });
    expect(report.peakTasks).toBeGreaterThan(8);
  });
});

test('longshore simulate world --json works offline and tells what planning needs', async () => {
  const lines: string[] = [];
  const out = {
    line: (text: string) => void lines.push(text),
    note: () => {},
    status: () => {},
    live: false,
  };
  expect(await main(['simulate', 'world', '--json', '--areas', '80', '--max-tasks', '20'], out)).toBe(0);
  const told = JSON.parse(lines.join('\n')) as Report;
  expect(told).toMatchObject({ manifest: 'world', jobs: 80, peakTasks: 20 });
  for (const name of ['makespanSeconds', 'lowerBoundSeconds', 'costUsd', 'callsPerJob'] as const)
    expect(told[name]).toBeGreaterThan(0);
});

test('a world of more areas than memory holds is wrong usage', async () => {
  const out = { line: () => {}, note: () => {}, status: () => {}, live: false };
  expect(await main(['simulate', 'world', '--areas', '99999999'], out)).toBe(2);
});

test('a quota that does not hold the largest job is wrong usage: it would wait for ever', async () => {
  const notes: string[] = [];
  const note = (line: string): void => void notes.push(line);
  const out = { line: () => {}, note, status: () => {}, live: false };
  expect(await main(['simulate', 'world', '--quota-vcpu', '3'], out)).toBe(2);
  expect(notes.join()).toContain('A quota of 3 vCPU holds no job of 4');
});

const total = (jobs: { bytes: number }[]): number => jobs.reduce((sum, { bytes }) => sum + bytes, 0);

test('areas can be cut until there are so many, and are as large as before together', async () => {
  const cut = await readSimulatedJobs('world', tasks, { seed: 1, areas: 10_000 });
  expect(cut.jobs).toHaveLength(10_000);
  expect(new Set(cut.jobs.map(({ params }) => params['area']))).toHaveProperty('size', 10_000);
  expect(total(cut.jobs) / total(world.jobs)).toBeCloseTo(1, 6);
});

describe('virtual time', () => {
  test('goes from one thing to the next, in order, and things of one time in the order they were set', async () => {
    const clock = new VirtualClock(0);
    const seen: [number, string][] = [];
    for (const [at, name] of [
      [500, 'c'],
      [20, 'a'],
      [500, 'd'],
      [70, 'b'],
    ] as const)
      clock.at(at, () => void seen.push([clock.now(), name]));
    await clock.run(() => seen.length === 4);
    expect(seen).toEqual([
      [20, 'a'],
      [70, 'b'],
      [500, 'c'],
      [500, 'd'],
    ]);
  });

  test('does not go on while a promise can', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const walk = async (): Promise<void> => {
      for (let step = 0; step < 5; step += 1) {
        await clock.sleep(10);
        for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
        seen.push(clock.now());
      }
    };
    clock.at(1000, () => void seen.push(-1));
    void walk();
    await clock.run(() => seen.length === 5);
    expect(seen).toEqual([10, 20, 30, 40, 50]);
  });

  test('that has nothing left to come is an error, not an endless wait', async () => {
    await expect(new VirtualClock().run(() => false)).rejects.toThrow('stands still');
  });
});

test('sorted keys page as a sort of all of them would, whatever was added and taken away', () => {
  const random = randomOf('keys');
  const keys = new SortedKeys();
  const kept = new Set<string>();
  for (let step = 0; step < 6000; step += 1) {
    const key = `${['a', 'b/', 'é', '\u{1F600}', '\uFFFD'][step % 5]}${Math.floor(random.uniform() * 3000)}`;
    if (random.chance(0.3)) {
      keys.delete(key);
      kept.delete(key);
    } else {
      keys.add(key);
      kept.add(key);
    }
  }
  const sorted = [...kept].sort(compareKeys);
  expect(sorted).toEqual([...kept].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  expect(keys.page('', '', Number.POSITIVE_INFINITY)).toEqual(sorted);
  for (const prefix of ['', 'a', 'b/', 'b/2', '\u{1F600}', 'zzz'])
    for (const after of ['', 'a1', 'b/2500', sorted.at(-1)!])
      expect(keys.page(prefix, after, 7)).toEqual(
        sorted.filter((key) => key.startsWith(prefix) && compareKeys(key, after) > 0).slice(0, 7),
      );
});
