import { describe, expect, test } from '@jest/globals';
import { accept } from '../../lib/pipeline/accept.ts';
import { cancel } from '../../lib/pipeline/cancel.ts';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import type { PipelineMessage } from '../../lib/pipeline/messages.ts';
import type { Pack, TaskDefinition } from '../../lib/tasks/define-task.ts';
import { cost } from '../../lib/tasks/prices.ts';
import type { Act, Launched } from '../doubles/memory/task-runner.ts';
import { KilledError, textTask, World, type WorldOptions } from '../doubles/world.ts';

const packed = (pack: Partial<Pack> = {}, more: Partial<TaskDefinition> = {}): TaskDefinition => ({
  ...textTask,
  pack: { jobs: 50, bytes: 1e6, seconds: 1000, ...pack },
  ...more,
});

const worldOf = (
  options: WorldOptions & { pack?: Partial<Pack>; task?: Partial<TaskDefinition> } = {},
): World => new World({ tasks: [packed(options.pack, options.task)], ...options });

/** Takes in all that was told, and starts nothing yet. */
async function acceptAll(world: World): Promise<void> {
  for (const { body } of world.jobs.held.splice(0)) {
    const message = JSON.parse(body) as PipelineMessage;
    if (message.kind !== 'wake') await accept(world.context, message);
  }
}

async function dropAll(
  world: World,
  names: string[],
  bodyOf = (name: string): string => name,
): Promise<void> {
  for (const name of names) await world.drop(`text/${name}.txt`, bodyOf(name));
  await acceptAll(world);
}

const containers = (world: World): string[][] =>
  world.runner.containers.map(({ members }) => members.map(({ env }) => env['LONGSHORE_NAME'] ?? ''));

const receiptOf = (world: World, name: string): Receipt =>
  JSON.parse(world.output(`text/${name}/receipt.json`) ?? 'null') as Receipt;

/** Acts by the name of the file and the number of the attempt. */
const acting =
  (acts: Record<string, Act | ((attempt: number) => Act)>) =>
  ({ env, attempt }: Launched): Act => {
    const act = acts[env['LONGSHORE_NAME'] ?? ''] ?? {};
    return typeof act === 'function' ? act(attempt) : act;
  };

describe('small jobs share a container', () => {
  test('in the order in which they wait, as many as the task file says', async () => {
    const world = worldOf({ pack: { jobs: 3 } });
    await dropAll(world, ['a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff', 'ggggggg']);
    await dispatch(world.context);
    expect(containers(world)).toEqual([['ggggggg', 'ffffff', 'eeeee'], ['dddd', 'ccc', 'bb'], ['a']]);
    await world.settleAll();
    expect(world.allJobs().every(({ state }) => state === 'published')).toBe(true);
    expect(world.runner.containers).toHaveLength(3);
    expect(world.runner.launches).toHaveLength(7);
  });

  test.each([
    ['input bytes', { bytes: 30 }, [['a'], ['b', 'c', 'd'], ['e']]],
    ['expected seconds', { seconds: 25 }, [['a', 'b'], ['c', 'd'], ['e']]],
    ['nothing, for one is the most', { jobs: 1 }, [['a'], ['b'], ['c'], ['d'], ['e']]],
  ])('up to so many %s', async (_, pack, expected) => {
    const world = worldOf({ pack, settings: { maxTasks: 9 } });
    const bytes: Record<string, number> = { a: 31, b: 10, c: 10, d: 10, e: 9 };
    await dropAll(world, ['a', 'b', 'c', 'd', 'e'], (name) => name.repeat(bytes[name] ?? 0));
    await dispatch(world.context);
    expect(containers(world)).toEqual(expected);
  });

  test('of one kind only: run, size, priority and named limits are the same', async () => {
    const world = worldOf({
      task: { size: ({ bytes }) => ({ vcpu: 1, memoryMiB: bytes > 100 ? 4096 : 2048, diskGiB: 20 }) },
      settings: { maxTasks: 9 },
    });
    await dropAll(world, ['small', 'large', 'medium'], (name) => name.repeat(name === 'large' ? 50 : 1));
    for (const area of ['x', 'y']) await world.ask('r1', { area });
    await world.ask('r2', { area: 'z' });
    await world.ask('r1', { area: 'urgent' }, { priority: 5 });
    await acceptAll(world);
    await dispatch(world.context);
    expect(containers(world).map((names) => names.toSorted())).toEqual([
      ['large'],
      ['medium', 'small'],
      ['x', 'y'],
      ['z'],
      ['urgent'],
    ]);
  });

  test('and one slot, one part of a named limit, and its memory once', async () => {
    const world = worldOf({
      settings: { maxTasks: 4, limits: { mirror: 1 }, memoryMiB: 2 * 2048 },
      pack: { jobs: 4 },
    });
    for (const area of ['a', 'b', 'c', 'd', 'e']) await world.ask('r', { area });
    await dropAll(world, ['x', 'y', 'z']);
    await dispatch(world.context);
    expect(containers(world).map((names) => names.toSorted())).toEqual([
      ['x', 'y', 'z'],
      ['a', 'b', 'c', 'd'],
    ]);
    await world.settleAll();
    expect(world.allJobs().every(({ state }) => state === 'published')).toBe(true);
    expect(world.runner.mostAtOnce).toBe(2);
  });

  test('but never two jobs of one name, neither in it nor beside it', async () => {
    const world = worldOf({
      script: ({ inputs }) => ({ outputs: { 'a.txt': String(inputs[0]!.bytes) } }),
    });
    await world.drop('text/a.txt', 'x'.repeat(100), '01');
    await acceptAll(world);
    await world.drop('text/a.txt', 'x'.repeat(50), '02');
    await dropAll(world, ['b']);
    await dispatch(world.context);
    await dispatch(world.context);
    expect(world.runner.launches.map(({ inputs }) => inputs[0]?.bytes)).toEqual([100, 1]);
    await world.settleAll();
    expect(world.output('text/a/a.txt')).toBe('50');
    expect(containers(world)).toEqual([['a', 'b'], ['a']]);
  });

  test('whatever the number of dispatchers, never more containers than maxTasks, and each job once', async () => {
    const world = worldOf({ pack: { jobs: 7 }, settings: { maxTasks: 3 } });
    await dropAll(
      world,
      Array.from({ length: 100 }, (_, at) => `file-${at}`),
    );
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 5 }, async () => await dispatch(world.context)));
      expect(world.runner.running().length).toBeLessThanOrEqual(3);
      world.clock.advance(71_000);
      await world.tellStops();
      while (await world.deliver());
    }
    await world.settleAll();
    expect(world.runner.mostAtOnce).toBe(3);
    expect(world.runner.launches).toHaveLength(100);
    expect(world.runner.containers.length).toBeLessThan(20);
    expect(
      world.allJobs().every(({ state, attempts }) => state === 'published' && attempts.length === 1),
    ).toBe(true);
  });

  test('1,500 of them are seen to, though fewer are looked at in one go', async () => {
    const world = worldOf({ pack: { jobs: 100, seconds: 1e5 }, settings: { maxTasks: 50 } });
    await dropAll(
      world,
      Array.from({ length: 1500 }, (_, at) => `file-${String(at).padStart(4, '0')}`),
    );
    const { launched, retryAfterSeconds } = await dispatch(world.context);
    expect({ launched, retryAfterSeconds }).toEqual({ launched: 10, retryAfterSeconds: 1 });
    expect((await dispatch(world.context)).launched).toBe(5);
    expect(world.runner.launches).toHaveLength(1500);
  });
});

describe('a job that waits for companions', () => {
  test('waits so long, and then goes with those that came', async () => {
    const world = worldOf({ pack: { lingerSeconds: 20 } });
    await dropAll(world, ['a']);
    const first = await dispatch(world.context);
    expect(first.launched).toBe(0);
    expect(first.retryAfterSeconds).toBeCloseTo(20, 0);
    world.clock.advance(15_000);
    await dropAll(world, ['b', 'c']);
    expect((await dispatch(world.context)).launched).toBe(0);
    world.clock.advance(5000);
    expect((await dispatch(world.context)).launched).toBe(1);
    expect(containers(world).map((names) => names.toSorted())).toEqual([['a', 'b', 'c']]);
  });

  test('goes at once when they are enough, and holds no slot until then', async () => {
    const world = worldOf({ pack: { jobs: 3, lingerSeconds: 20 }, settings: { maxTasks: 1 } });
    await dropAll(world, ['a', 'b']);
    await world.ask('r', { area: 'large' });
    await acceptAll(world);
    expect((await dispatch(world.context)).launched).toBe(0);
    await dropAll(world, ['c']);
    expect((await dispatch(world.context)).launched).toBe(1);
    expect(containers(world)).toEqual([['a', 'b', 'c']]);
  });

  test('does so alone when it is too large for any', async () => {
    const world = worldOf({ pack: { bytes: 10, lingerSeconds: 20 } });
    await dropAll(world, ['large'], () => 'x'.repeat(11));
    expect((await dispatch(world.context)).launched).toBe(1);
  });
});

describe('each member of a pack has its own end', () => {
  const mixed = {
    good: { seconds: 20 },
    'bad-input': { exitCode: 65, lastLine: 'the header is cut' },
    crash: { exitCode: 2, lastLine: 'Segmentation fault' },
    hungry: (attempt: number) => (attempt === 1 ? { outOfMemory: true } : {}),
    deaf: { hangs: true },
    invalid: { outputs: { 'a.txt': 'bad news' } },
    changed: { stageIn: { cause: 'input-changed' as const, reason: 'it is another file' } },
    last: {},
  };

  test('good, bad, crashed, out of memory, too late, invalid and changed, side by side', async () => {
    const world = worldOf({ script: acting(mixed) });
    await dropAll(world, Object.keys(mixed));
    await world.settleAll();
    expect(world.runner.containers[0]?.members).toHaveLength(8);
    expect(world.job('good')).toMatchObject({ state: 'published', attempts: [{ cause: 'succeeded' }] });
    expect(world.job('last')).toMatchObject({ state: 'published', attempts: [{ cause: 'succeeded' }] });
    expect(world.job('bad-input')).toMatchObject({ state: 'quarantined', reason: 'the header is cut' });
    expect(world.job('crash')).toMatchObject({
      state: 'failed',
      reason: 'Exit code 2: Segmentation fault (after 3 attempts)',
    });
    expect(world.job('hungry').attempts).toMatchObject([
      { cause: 'out-of-memory', size: { memoryMiB: 2048 } },
      { cause: 'succeeded', size: { memoryMiB: 4096 } },
    ]);
    expect(world.job('deaf')).toMatchObject({
      state: 'failed',
      cause: 'deadline',
      attempts: [{ seconds: 600 }],
    });
    expect(world.job('invalid')).toMatchObject({ state: 'quarantined', cause: 'invalid-output' });
    expect(world.job('changed')).toMatchObject({ state: 'cancelled', cause: 'input-changed' });
    // Whose end was their own go alone afterwards.
    expect(
      containers(world)
        .slice(1)
        .map((names) => names.length),
    ).toEqual([1, 1, 1]);
    const receipts = [
      ...world.stores.output.objects.keys(),
      ...world.stores.quarantine.objects.keys(),
    ].filter((key) => key.endsWith('/receipt.json'));
    expect(receipts).toHaveLength(8);
  });

  test('and its share of seconds and cost, which the receipt tells', async () => {
    const world = worldOf({
      script: acting({ a: { seconds: 5 }, bb: { seconds: 10 }, ccc: { seconds: 15 } }),
    });
    await dropAll(world, ['a', 'bb', 'ccc']);
    await world.settleAll();
    const attempts = ['a', 'bb', 'ccc'].map((name) => receiptOf(world, name).attempts[0]!);
    expect(attempts.map(({ seconds }) => seconds)).toEqual([5, 10, 15]);
    const [{ launch, size, spot }] = attempts as [(typeof attempts)[number]];
    expect(launch).toEqual({ id: expect.stringMatching(/^pack\/text-[0-9a-f]{12}$/), jobs: 3 });
    // Half a minute, billed as a whole one.
    const whole = cost({ size, spot, seconds: 30, architecture: 'x86_64' });
    expect(whole).toBe(cost({ size, spot, seconds: 60, architecture: 'x86_64' }));
    expect(attempts.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0)).toBeCloseTo(whole, 12);
    const told = ['a', 'bb', 'ccc'].reduce((sum, name) => sum + receiptOf(world, name).costUsd, 0);
    expect(told).toBeCloseTo(whole, 7);
  });

  test('when the container is killed: who was done is done, who was at work has the blame, who was not reached goes again', async () => {
    const world = worldOf({
      script: acting({ bbb: (attempt) => (attempt === 1 ? { vanishes: true } : {}) }),
    });
    await dropAll(world, ['dddd', 'bbb', 'cc', 'a']);
    await world.settleAll();
    expect(containers(world)).toEqual([['dddd', 'bbb', 'cc', 'a'], ['bbb'], ['cc', 'a']]);
    const causes = (name: string) =>
      world.job(name).attempts.map(({ cause, costUsd }) => [cause, costUsd === 0]);
    expect(causes('dddd')).toEqual([['succeeded', false]]);
    expect(causes('bbb')).toEqual([
      ['killed', false],
      ['succeeded', false],
    ]);
    expect(causes('cc')).toEqual([
      ['not-reached', true],
      ['succeeded', false],
    ]);
    expect(causes('a')).toEqual(causes('cc'));
  });

  test('being not reached counts against no one, however often', async () => {
    const names = Array.from({ length: 12 }, (_, at) => 'x'.repeat(20 - at));
    const last = names.at(-1)!;
    const world = worldOf({
      script: ({ env }) => (env['LONGSHORE_NAME'] === last ? {} : { vanishes: true }),
    });
    await dropAll(world, names);
    await world.settleAll({ hours: 20 });
    expect(world.job(last)).toMatchObject({ state: 'published' });
    expect(world.job(last).attempts.length).toBeGreaterThan(3);
    expect(names.slice(0, -1).every((name) => world.job(name).state === 'failed')).toBe(true);
    expect(
      names
        .slice(0, -1)
        .map((name) => world.job(name).attempts.filter(({ cause }) => cause === 'killed').length),
    ).toEqual(names.slice(0, -1).map(() => 3));
  });

  test('a Spot loss is the end of the one at work only', async () => {
    const world = worldOf({
      script: acting({
        'bad-one': { exitCode: 65, lastLine: 'bad' },
        lost: (attempt) => (attempt === 1 ? { stopCode: 'SpotInterruption', vanishes: true } : {}),
      }),
    });
    await dropAll(world, ['bad-one', 'lost', 'c']);
    await world.settleAll();
    expect(world.job('bad-one')).toMatchObject({ state: 'quarantined', attempts: [{ cause: 'bad-input' }] });
    expect(world.job('lost').attempts.map(({ cause, spot }) => [cause, spot])).toEqual([
      ['interrupted', true],
      ['succeeded', true],
    ]);
    // Neither had itself to blame: together again.
    expect(containers(world)).toEqual([
      ['bad-one', 'lost', 'c'],
      ['lost', 'c'],
    ]);
  });

  test('where nobody’s turn came it is everybody’s end, so that it is not repeated for ever', async () => {
    const world = worldOf();
    await dropAll(world, ['a', 'b']);
    await dispatch(world.context);
    world.runner.tasks.clear();
    world.clock.advance(61_000);
    await sweep(world.context);
    expect(world.job('a').attempts).toMatchObject([{ cause: 'killed' }]);
    expect(world.job('b').attempts).toMatchObject([{ cause: 'killed' }]);
    await world.settleAll();
    expect(containers(world).slice(1)).toEqual([['a'], ['b']]);
    expect(world.allJobs().every(({ state }) => state === 'published')).toBe(true);
  });
});

describe('a pack’s container', () => {
  test('is stopped when its members’ deadlines together have passed', async () => {
    const world = worldOf({ task: { deadlineSeconds: () => 30 }, script: () => ({ seconds: 1000 }) });
    await dropAll(world, ['aa', 'b']);
    await dispatch(world.context);
    world.clock.advance(170_000);
    expect(await sweep(world.context)).toMatchObject({ stopped: 0 });
    world.clock.advance(15_000);
    expect(await sweep(world.context)).toMatchObject({ stopped: 1 });
    await world.settleAll();
    expect(world.job('aa')).toMatchObject({ state: 'failed', cause: 'deadline' });
    expect(world.job('b').attempts[0]).toMatchObject({ cause: 'not-reached' });
  });

  test('goes on when one member is cancelled, which is not published', async () => {
    const world = worldOf();
    await dropAll(world, ['aaa', 'bb', 'c']);
    await dispatch(world.context);
    world.clock.advance(15_000);
    for (const name of ['aaa', 'c']) await cancel(world.context, world.job(name).id);
    expect(world.runner.running()).toHaveLength(1);
    await world.settleAll();
    // It was over, and is not published all the same; this one was skipped: 20 s instead of 30.
    expect(world.job('aaa')).toMatchObject({ state: 'cancelled', cause: 'cancelled' });
    expect(world.job('c')).toMatchObject({
      state: 'cancelled',
      cause: 'cancelled',
      attempts: [{ seconds: 0 }],
    });
    expect(world.job('bb')).toMatchObject({ state: 'published' });
    expect(world.output('text/aaa/out.txt')).toBeUndefined();
    const [ended] = [...world.runner.tasks.values()];
    expect(ended?.stop).toBeUndefined();
  });

  test('is stopped when the last of them is cancelled', async () => {
    const world = worldOf();
    await dropAll(world, ['a', 'b', 'c']);
    await dispatch(world.context);
    world.clock.advance(15_000);
    for (const { id } of world.allJobs()) await cancel(world.context, id);
    expect(world.runner.running()).toEqual([]);
    await world.settleAll();
    expect(world.allJobs().map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect((await status(world.context)).jobs).toMatchObject({ cancelled: 3, running: 0 });
  });

  test('that the runner puts off leaves all of them waiting; one that it refuses fails them', async () => {
    let answers = 2;
    const world = worldOf({
      script: () =>
        answers-- > 0
          ? { outcome: { outcome: 'wait', reason: 'ThrottlingException', retryAfterSeconds: 1 } }
          : {},
    });
    await dropAll(world, ['a', 'b']);
    expect((await dispatch(world.context)).launched).toBe(0);
    expect(world.allJobs()).toMatchObject([
      { state: 'waiting', attempts: [] },
      { state: 'waiting', attempts: [] },
    ]);
    expect((await status(world.context)).running).toEqual([]);
    await world.settleAll();
    expect(containers(world)).toEqual([['a', 'b']]);

    const refusing = worldOf({
      script: () => ({ outcome: { outcome: 'refused', reason: 'no such image' } }),
    });
    await dropAll(refusing, ['a', 'b']);
    await refusing.settleAll();
    expect(refusing.allJobs()).toMatchObject([{ cause: 'refused' }, { cause: 'refused' }]);
  });

  test('drops a member that was cancelled before its claim, and then may be of one', async () => {
    const world = worldOf();
    await dropAll(world, ['a', 'b']);
    const { records } = world;
    const cancelOnce = { done: false };
    const cunning = new Proxy(records, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as (...args: unknown[]) => unknown;
        if (name !== 'create' && name !== 'replace') return value.bind(target);
        return async (...args: unknown[]) => {
          const result = await value.apply(target, args);
          if (!cancelOnce.done && args[0] === 'admission') {
            cancelOnce.done = true;
            await cancel(world.context, world.job('a').id);
          }
          return result;
        };
      },
    });
    await dispatch({ ...world.context, records: cunning });
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'cancelled', attempts: [] });
    expect(world.job('b')).toMatchObject({ state: 'published' });
    expect(world.job('b').attempts[0]).not.toHaveProperty('launch');
  });

  test('is one container, whenever its dispatcher dies, and whoever finishes the launch', async () => {
    for (let calls = 1; calls < 60; calls += 1) {
      const world = worldOf();
      await dropAll(world, ['a', 'b', 'c']);
      world.callsLeft = calls;
      const survived = await dispatch(world.context).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof KilledError)) throw error;
          return false;
        },
      );
      world.callsLeft = Number.POSITIVE_INFINITY;
      world.clock.advance(61_000);
      await sweep(world.context);
      await world.settleAll();
      expect(
        world.allJobs().every(({ state, attempts }) => state === 'published' && attempts.length === 1),
      ).toBe(true);
      const launched = world.runner.launches.map(({ job }) => job);
      expect(new Set(launched).size).toBe(launched.length);
      if (survived) return;
    }
    throw new Error('It never lived to the end');
  });
});
