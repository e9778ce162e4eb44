import { describe, expect, test } from '@jest/globals';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { isTerminal } from '../../lib/pipeline/job.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import type { Act } from '../doubles/memory/task-runner.ts';
import { KilledError, textTask, World } from '../doubles/world.ts';

/** Each job alone, and three in a container: one is left for another, which is alone in its pack. */
const ALONE = textTask;
const PACKED = { ...textTask, pack: { jobs: 3, bytes: 1e6, seconds: 1000 } };

/** A file that is published, one that needs a second attempt, one that needs it later, a bad one, and one whose output is invalid. */
const script = ({ inputs, attempt }: { inputs: { name: string }[]; attempt: number }): Act => {
  switch (inputs[0]?.name) {
    case 'twice.txt':
      return attempt === 1 ? { outOfMemory: true } : { outputs: { 'out.txt': 'good' } };
    case 'later.txt':
      return attempt === 1 ? { exitCode: 75, lastLine: 'mirror down' } : { outputs: { 'out.txt': 'good' } };
    case 'bad.txt':
      return { exitCode: 65, lastLine: 'bad' };
    case 'invalid.txt':
      return { outputs: { 'out.txt': 'bad' } };
    default:
      return { outputs: { 'out.txt': 'good' } };
  }
};

const NAMES = ['once', 'twice', 'later', 'bad', 'invalid'];

async function arrive(world: World): Promise<void> {
  for (const [at, name] of NAMES.entries()) await world.drop(`text/${name}.txt`, name, `0${at}`);
}

async function work(world: World): Promise<void> {
  while (await world.deliver());
  await world.tellStops();
  while (await world.deliver());
  world.clock.advance(15_000);
  await sweep(world.context);
  await dispatch(world.context);
}

const settled = (world: World): boolean =>
  world.allJobs().length === NAMES.length && world.allJobs().every(({ state }) => isTerminal(state));

/** Kills the process before its `n`-th port call, starts it again, and again after as many, `times` over. */
async function survive(
  n: number,
  times: number,
  { messagesDie, task }: { messagesDie: boolean; task: TaskDefinition },
): Promise<World> {
  const world = new World({ script, tasks: [task], settings: { maxTasks: 2, stepTimeoutSeconds: 60 } });
  await arrive(world);
  let kills = 0;
  world.callsLeft = n;
  for (let round = 0; round < 2000 && !settled(world); round += 1) {
    try {
      await work(world);
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      kills += 1;
      world.callsLeft = kills < times ? n : Number.POSITIVE_INFINITY;
      if (messagesDie) {
        // One machine: the queues die with the process; files are found again, waiting jobs are in the ledger.
        world.jobs.held.splice(0);
        world.steps.held.splice(0);
        world.callsLeft += 1;
        await arrive(world);
      }
      world.clock.advance(1000);
      try {
        await sweep(world.context, { justStarted: messagesDie });
      } catch (again) {
        if (!(again instanceof KilledError)) throw again;
      }
    }
    world.clock.advance(1000);
  }
  world.callsLeft = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round += 1) {
    world.clock.advance(61_000);
    await work(world);
  }
  return world;
}

async function expectWhole(world: World, message: string): Promise<void> {
  const states = Object.fromEntries(world.allJobs().map(({ name, state }) => [name, state]));
  expect({ message, states }).toEqual({
    message,
    states: {
      once: 'published',
      twice: 'published',
      later: 'published',
      bad: 'quarantined',
      invalid: 'quarantined',
    },
  });
  expect(world.output('text/once/out.txt')).toBe('good');
  expect(world.output('text/twice/out.txt')).toBe('good');
  expect(world.output('text/later/out.txt')).toBe('good');
  const launches = world.runner.launches.map(({ job, attempt }) => `${job}/${attempt}`);
  expect({ message, launches: launches.length }).toEqual({ message, launches: new Set(launches).size });
  expect(launches).toHaveLength(7);
  expect(world.runner.mostAtOnce).toBeLessThanOrEqual(2);
  expect((await status(world.context)).jobs).toEqual({
    waiting: 0,
    running: 0,
    published: 3,
    failed: 0,
    quarantined: 2,
    cancelled: 0,
  });
  const left = [...world.records.records.keys()].filter((key) => /^(waiting|delayed)\//.test(key));
  expect({ message, left }).toEqual({ message, left: [] });
  expect(world.records.records.get('admission')?.value).toMatchObject({ entries: [] });
  const receipts = [...world.stores.quarantine.objects.keys()].filter((key) => key.endsWith('/receipt.json'));
  expect(receipts).toHaveLength(2);
}

describe.each([
  ['each job alone', ALONE],
  ['packed', PACKED],
])('killed at any moment, %s', (_, task) => {
  test('between any two calls, with queues that outlive the process', async () => {
    const calm = new World({ script, tasks: [task], settings: { maxTasks: 2 } });
    await arrive(calm);
    for (let round = 0; round < 100 && !settled(calm); round += 1) await work(calm);
    expect(calm.calls).toBeGreaterThan(150);
    expect(calm.runner.containers).toHaveLength(task.pack ? 4 : 7);
    for (let n = 0; n <= calm.calls; n += 1)
      await expectWhole(await survive(n, 1, { messagesDie: false, task }), `killed before call ${n}`);
  });

  test('between any two calls, with queues that die with it', async () => {
    for (let n = 0; n <= 400; n += 1)
      await expectWhole(await survive(n, 1, { messagesDie: true, task }), `killed before call ${n}`);
  });

  test('again and again', async () => {
    for (const n of [17, 23, 40, 61, 90, 133]) {
      await expectWhole(await survive(n, 12, { messagesDie: false, task }), `killed every ${n} calls`);
      await expectWhole(
        await survive(n, 12, { messagesDie: true, task }),
        `killed every ${n} calls, queues lost`,
      );
    }
  });
});
