import { describe, expect, test } from '@jest/globals';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { isTerminal } from '../../lib/pipeline/job.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import type { GranuleRule } from '../../lib/tasks/granule-rule.ts';
import { KilledError, textTask, World } from '../doubles/world.ts';

const granule: GranuleRule = {
  pattern: /^(?<granule>.+)\.granule\/(?<part>[^/]+)$/,
  complete: { manifest: /\.json$/ },
  quietSeconds: 20,
  deadlineSeconds: 1800,
};

/** A granule of two files and its manifest, in an odd order; one that lacks a file; a file of no granule. */
const FILES: [key: string, body: string][] = [
  ['text/whole.granule/b.txt', 'b'],
  ['text/whole.granule/g.json', '{"files": ["a.txt", "b.txt"]}'],
  ['text/lonely.granule/a.txt', 'a'],
  ['text/single.txt', 'single'],
  ['text/lonely.granule/g.json', '{"files": ["a.txt", "missing.txt"]}'],
  ['text/whole.granule/a.txt', 'a'],
];

async function arrive(world: World): Promise<void> {
  for (const [at, [key, body]] of FILES.entries()) await world.drop(key, body, `0${at}`);
}

async function work(world: World): Promise<void> {
  while (await world.deliver());
  await world.tellStops();
  while (await world.deliver());
  // Only the incomplete granule is left: on to its deadline.
  const rest = world.allJobs().length === 2 && world.allJobs().every(({ state }) => isTerminal(state));
  world.clock.advance(rest ? 600_000 : 15_000);
  await sweep(world.context);
  await dispatch(world.context);
}

const settled = (world: World): boolean =>
  world.allJobs().length >= 3 && world.allJobs().every(({ state }) => isTerminal(state));

async function survive(n: number, times: number, messagesDie: boolean): Promise<World> {
  const world = new World({ tasks: [{ ...textTask, granule }], settings: { stepTimeoutSeconds: 60 } });
  await arrive(world);
  let kills = 0;
  world.callsLeft = n;
  for (let round = 0; round < 1000 && !settled(world); round += 1) {
    try {
      await work(world);
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      kills += 1;
      world.callsLeft = kills < times ? n : Number.POSITIVE_INFINITY;
      if (messagesDie) {
        // One machine: the queues die with the process, and the files are found again.
        world.jobs.held.splice(0);
        world.steps.held.splice(0);
        await arrive(world);
      }
      world.clock.advance(1000);
    }
  }
  world.callsLeft = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 35; round += 1) {
    world.clock.advance(61_000);
    await work(world);
  }
  return world;
}

async function expectWhole(world: World, message: string): Promise<void> {
  const jobs = world.allJobs().map(({ name, state, inputs }) => `${name} ${state} ${inputs.length}`);
  expect({ message, jobs: jobs.toSorted() }).toEqual({
    message,
    jobs: ['lonely quarantined 2', 'single published 1', 'whole published 3'],
  });
  expect(world.runner.launches).toHaveLength(2);
  const { sets, jobs: counts } = await status(world.context);
  expect({ message, sets }).toEqual({ message, sets: [] });
  const { waiting, running, published, quarantined } = counts;
  expect({ message, waiting, running, published, quarantined }).toEqual({
    message,
    waiting: 0,
    running: 0,
    published: 2,
    quarantined: 1,
  });
  const left = [...world.records.records.keys()].filter((key) => /^(waiting|delayed|collecting)\//.test(key));
  expect({ message, left }).toEqual({ message, left: [] });
}

describe('granules of several files, killed at any moment', () => {
  test.each([false, true])(
    'between any two calls (messages die with the process: %j)',
    async (messagesDie) => {
      const calm = new World({ tasks: [{ ...textTask, granule }] });
      await arrive(calm);
      for (let round = 0; round < 100 && !settled(calm); round += 1) await work(calm);
      await expectWhole(calm, 'calm');
      expect(calm.calls).toBeGreaterThan(80);
      for (let n = 0; n <= calm.calls; n += 1)
        await expectWhole(await survive(n, 1, messagesDie), `killed before call ${n}`);
    },
  );

  test('again and again', async () => {
    for (const n of [23, 31, 47, 61]) {
      await expectWhole(await survive(n, 10, false), `killed every ${n} calls`);
      await expectWhole(await survive(n, 10, true), `killed every ${n} calls, queues lost`);
    }
  });
});
