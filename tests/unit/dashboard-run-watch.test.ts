/** A run as it is watched: what a look sees, and what it costs. */
import { describe, expect, test } from '@jest/globals';
import { RunWatch } from '../../cli/dashboard/run-watch.ts';
import type { LiveLog } from '../../cli/log-tail.ts';
import type { JobView } from '../../cli/dashboard/view.ts';
import { setBudget } from '../../lib/pipeline/set-budget.ts';
import { planKeys, type Plan } from '../../lib/pipeline/plan.ts';
import { cancel } from '../../lib/pipeline/cancel.ts';
import { World } from '../doubles/world.ts';

const RUN = 'world-1';

/** Containers hang unless their area says otherwise. */
function world(): World {
  return new World({
    script: ({ env }) => {
      const area = env.AREA ?? '';
      if (area.startsWith('bad')) return { exitCode: 65, lastLine: 'not a text' };
      if (area.startsWith('broken')) return { exitCode: 1, lastLine: 'it broke' };
      if (area.startsWith('slow')) return { hangs: true };
      return { seconds: 20 };
    },
    settings: { maxTasks: 10 },
  });
}

const watchOf = (on: World): RunWatch => new RunWatch(on.context, RUN, { liveLogs: true });
const statesOf = (watch: RunWatch): Record<string, string> =>
  Object.fromEntries(
    watch
      .view()
      .jobs.map(({ name, state }) => [name, state] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
const one = (watch: RunWatch, name: string): JobView => watch.view().jobs.find((job) => job.name === name)!;

async function toTheEnd(on: World): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    while (await on.deliver());
    on.clock.advance(21_000);
    await on.tellStops();
  }
}

/** Calls of the ports since the last time, by their names. */
function counting(on: World): () => Record<string, number> {
  let calls: Record<string, number> = {};
  const counted = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function' || name === 'uri') return value;
        return (...args: unknown[]): unknown => {
          calls[String(name)] = (calls[String(name)] ?? 0) + 1;
          return value.apply(target, args) as unknown;
        };
      },
    });
  const { context } = on;
  Object.assign(context, {
    records: counted(context.records),
    stores: Object.fromEntries(Object.entries(context.stores).map(([name, store]) => [name, counted(store)])),
  });
  return () => {
    const since = calls;
    calls = {};
    return since;
  };
}

const planOf = (names: string[], extra: Partial<Plan> = {}): Plan => ({
  planVersion: 1,
  run: RUN,
  manifest: 'world',
  createdAt: '2026-11-20T12:00:00Z',
  maxTasks: 10,
  jobs: names.map((name) => ({
    task: 'text',
    params: { area: name },
    priority: 0,
    name,
    bytes: 0,
    size: { vcpu: 1, memoryMiB: 2048, diskGiB: 20 },
    spot: true,
    expectedSeconds: 20,
    basis: 'size',
    costUsd: { onDemand: 0.002, spot: 0.001 },
    limits: [],
  })),
  totals: {
    jobs: names.length,
    fresh: 0,
    bytes: 0,
    seconds: 20 * names.length,
    makespanSeconds: 20,
    costUsd: { onDemand: 0.002 * names.length, spot: 0.001 * names.length },
    peakVcpu: 1,
  },
  ...extra,
});

describe('a watched run', () => {
  test('shows each job in its state, with the reason of those that failed', async () => {
    const on = world();
    for (const area of ['good', 'bad', 'broken', 'slow']) await on.ask(RUN, { area });
    await toTheEnd(on);
    await on.ask(RUN, { area: 'slow-waits' });
    on.context.settings.maxTasks = 1;
    while (await on.deliver());
    const watch = watchOf(on);
    await watch.look();
    expect(statesOf(watch)).toEqual({
      bad: 'quarantined',
      broken: 'failed',
      good: 'published',
      slow: 'running',
      'slow-waits': 'waiting',
    });
    expect(one(watch, 'broken')).toMatchObject({ cause: 'failed', attempts: 3, reason: /it broke/ });
    expect(watch.view().summary.counts).toMatchObject({ published: 1, running: 1, waiting: 1, failed: 1 });
  });

  test('knows a planned job before it is accepted, and as the same job after that', async () => {
    const on = world();
    await on.stores.output.put(planKeys.plan(RUN), JSON.stringify(planOf(['good', 'slow'])));
    const watch = watchOf(on);
    await watch.look();
    expect(one(watch, 'good')).toMatchObject({ state: 'waiting', accepted: false, expectedSeconds: 20 });
    const { id } = one(watch, 'good');
    await on.ask(RUN, { area: 'good' });
    await toTheEnd(on);
    await watch.look();
    expect(one(watch, 'good')).toMatchObject({ id, state: 'published', accepted: true, plannedUsd: 0.001 });
    expect(watch.view().jobs).toHaveLength(2);
  });

  test('gives a planned job that came with a file its own id, and drops the placeholder', async () => {
    const on = world();
    await on.stores.output.put(planKeys.plan(RUN), JSON.stringify(planOf(['letter'])));
    const watch = watchOf(on);
    await watch.look();
    const placeholder = one(watch, 'letter').id;
    watch.changes();
    const { bytes, etag } = await on.stores.uploads.put('.runs/x/letter.txt', 'dear');
    await on.ask(RUN, {}, { input: { key: '.runs/x/letter.txt', bytes, etag } });
    while (await on.deliver());
    await watch.look();
    expect(watch.view().jobs.map(({ name }) => name)).toEqual(['letter']);
    expect(watch.changes().gone).toEqual([placeholder]);
  });

  test('tells changes once, and only those', async () => {
    const on = world();
    for (const area of ['good', 'slow', 'slow-too']) await on.ask(RUN, { area });
    while (await on.deliver());
    const watch = watchOf(on);
    await watch.look();
    expect(watch.changes().jobs).toHaveLength(3);
    await watch.look();
    expect(watch.changes().jobs).toEqual([]);
    on.clock.advance(21_000);
    await on.tellStops();
    while (await on.deliver());
    await watch.look();
    expect(watch.changes().jobs.map(({ name, state }) => [name, state])).toEqual([['good', 'published']]);
  });

  test('sees a job that is cancelled, and one whose retry waits for its time', async () => {
    const on = new World({ script: () => ({ exitCode: 75, lastLine: 'the mirror is away' }) });
    await on.ask(RUN, { area: 'a' });
    while (await on.deliver());
    const watch = watchOf(on);
    await watch.look();
    on.clock.advance(11_000);
    await on.tellStops();
    while (await on.deliver());
    await watch.look();
    expect(one(watch, 'a')).toMatchObject({ state: 'waiting', reason: 'the mirror is away' });
    expect(one(watch, 'a').notBefore).toBeGreaterThan(on.clock.now());
    await cancel(on.context, one(watch, 'a').id);
    await watch.look();
    expect(one(watch, 'a')).toMatchObject({ state: 'cancelled' });
  });

  test('shows what the budget holds back, until it is given more', async () => {
    const on = world();
    // A minute of 1 vCPU and 2 GiB on Spot is some $0.00025: enough for two at once.
    await setBudget(on.context, RUN, 0.0006);
    for (const area of ['slow-a', 'slow-b', 'slow-c']) await on.ask(RUN, { area });
    while (await on.deliver());
    const watch = watchOf(on);
    await watch.look();
    expect(Object.values(statesOf(watch)).sort()).toEqual(['held', 'running', 'running']);
    expect(watch.view().summary.cost.maxUsd).toBe(0.0006);
    watch.changes();
    await setBudget(on.context, RUN, 1);
    await watch.look();
    expect(watch.changes().jobs.map(({ state }) => state)).toEqual(['waiting']);
  });

  test('shows what a running job says in its log, and its memory', async () => {
    const on = world();
    await on.ask(RUN, { area: 'slow' });
    while (await on.deliver());
    const { id } = on.job('slow');
    const progress = { event: 'Progress', stage: 'download', percent: 42 };
    await on.stores.staging.put(`${id}/1/control/log.jsonl`, `${JSON.stringify(progress)}\n`);
    const watch = new RunWatch(on.context, RUN, { liveLogs: true, memoryOf: async () => 12_345 });
    await watch.look();
    expect(one(watch, 'slow')).toMatchObject({
      stage: { text: 'download 42 %', percent: 42 },
      memoryBytes: 12_345,
    });
  });

  test('asks elsewhere for the stages of the first twelve where the stores have no log before the end', async () => {
    const on = world();
    on.context.settings.maxTasks = 20;
    for (let at = 0; at < 14; at++) await on.ask(RUN, { area: `slow-${at}` });
    while (await on.deliver());
    let asked = 0;
    const line = JSON.stringify({ event: 'Progress', stage: 'write', percent: 7 });
    const liveLog = (): LiveLog => {
      asked += 1;
      return {
        lines: async function* () {
          yield line;
        },
      };
    };
    const watch = new RunWatch(on.context, RUN, { liveLogs: false, liveLog });
    await watch.look();
    await watch.look();
    expect(asked).toBe(12);
    expect(watch.view().jobs.filter(({ stage }) => stage?.text === 'write 7 %')).toHaveLength(12);
  });

  test('says what is wrong with a plan or areas that cannot be used, and shows the run all the same', async () => {
    const on = world();
    await on.ask(RUN, { area: 'good' });
    await on.stores.output.put(planKeys.plan(RUN), '{');
    await on.stores.output.put(planKeys.areas(RUN), '{"type":"FeatureCollection"}');
    while (await on.deliver());
    const watch = watchOf(on);
    await watch.look();
    const { summary, jobs } = watch.view();
    expect(jobs).toHaveLength(1);
    expect(summary.troubles).toHaveLength(2);
    expect(summary.troubles.join()).toMatch(/plan\.json cannot be used.*areas\.geojson cannot be used/s);
  });

  test('takes areas from the run, else from the STAC Items of what is published', async () => {
    const on = world();
    const geometry = { type: 'Point', coordinates: [14, 36] };
    for (const area of ['good', 'slow']) await on.ask(RUN, { area });
    await toTheEnd(on);
    await on.stores.output.put('text/good/good.stac.json', JSON.stringify({ geometry }));
    const alone = watchOf(on);
    await alone.look();
    expect(alone.view().areas).toEqual([{ job: on.job('good').id, geometry }]);

    const features = [{ properties: { task: 'text', name: 'slow' }, geometry }];
    await on.stores.output.put(planKeys.areas(RUN), JSON.stringify({ features }));
    const shaped = watchOf(on);
    await shaped.look();
    expect(shaped.view().areas).toEqual([{ job: on.job('slow').id, geometry }]);
  });

  test('shows a job whose STAC Item is no JSON in the list all the same', async () => {
    const on = world();
    await on.ask(RUN, { area: 'good' });
    await toTheEnd(on);
    await on.stores.output.put('text/good/good.stac.json', '<xml/>');
    const watch = watchOf(on);
    await watch.look();
    expect(watch.view()).toMatchObject({ jobs: [{ name: 'good', state: 'published' }], areas: [] });
    expect(on.log.lines.filter(({ event }) => event === 'Area:Read:Failed')).toHaveLength(1);
  });

  test('is one that there is only when a job or a plan of it is there', async () => {
    const watch = watchOf(world());
    await watch.look();
    expect(watch.exists).toBe(false);
  });
});

describe('what a look costs', () => {
  test('is one listing and the admission record when nothing has changed', async () => {
    const on = world();
    for (const area of ['good', 'broken', 'bad']) await on.ask(RUN, { area });
    await toTheEnd(on);
    await on.ask(RUN, { area: 'slow' });
    while (await on.deliver());
    const calls = counting(on);
    const watch = new RunWatch(on.context, RUN, { liveLogs: false });
    await watch.look();
    // Admission, and each record once; what is published has no STAC Item.
    expect(calls()).toEqual({ read: 1 + 4, list: 1, head: 2 + 1 });
    await watch.look();
    expect(calls()).toEqual({ read: 1, list: 1 });
  });

  test('is one record more for each job that has moved', async () => {
    const on = world();
    for (const area of ['good', 'slow', 'slow-too']) await on.ask(RUN, { area });
    while (await on.deliver());
    const calls = counting(on);
    const watch = new RunWatch(on.context, RUN, { liveLogs: false });
    await watch.look();
    on.clock.advance(21_000);
    await on.tellStops();
    while (await on.deliver());
    calls();
    await watch.look();
    expect(calls()).toEqual({ read: 1 + 1, list: 1, head: 1 });
  });

  test('is no record at all for planned jobs that wait', async () => {
    const on = world();
    on.context.settings.maxTasks = 1;
    const names = ['slow', 'b', 'c', 'd'];
    await on.stores.output.put(planKeys.plan(RUN), JSON.stringify(planOf(names)));
    for (const area of names) await on.ask(RUN, { area });
    while (await on.deliver());
    const calls = counting(on);
    const watch = new RunWatch(on.context, RUN, { liveLogs: false });
    await watch.look();
    expect(calls()).toMatchObject({ read: 1 + 1, list: 1 });
    expect(watch.view().summary.counts).toMatchObject({ running: 1, waiting: 3 });
  });
});
