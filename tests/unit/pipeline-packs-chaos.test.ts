import { describe, expect, test } from '@jest/globals';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { cost } from '../../lib/tasks/prices.ts';
import { randomOf, type Random } from '../../lib/simulate/random.ts';
import type { Act, Launched } from '../doubles/memory/task-runner.ts';
import { KilledError, textTask, World } from '../doubles/world.ts';

const FILES = 14;
const MAX_TASKS = 2;

/** What may happen to a job, and to its container with it. After three times it goes well, or nobody could say how it ends. */
function actOf(seed: number, { job, attempt }: Launched): Act {
  const random = randomOf(seed, 'act', job, attempt);
  const kind = Math.floor(random.uniform() * (attempt > 3 ? 1 : 12));
  const seconds = 1 + 20 * random.uniform();
  const acts: Record<number, Act> = {
    6: { vanishes: true },
    7: { stopCode: 'SpotInterruption', vanishes: true },
    8: { outOfMemory: true },
    9: { exitCode: 75, lastLine: 'try again' },
    10: { hangs: true },
    11: { exitCode: 137 },
  };
  return { seconds, ...acts[kind] };
}

async function work(world: World, random: Random): Promise<void> {
  while (await world.deliver());
  await world.tellStops({ lose: () => random.chance(0.3) });
  while (await world.deliver());
  world.clock.advance(5000 + 40_000 * random.uniform());
  await sweep(world.context);
  await dispatch(world.context);
}

/** Lives through it, killed before every so many calls of a port. */
async function live(seed: number): Promise<World> {
  const random = randomOf(seed, 'life');
  const refusals = randomOf(seed, 'refusals');
  const world = new World({
    script: (launched) =>
      refusals.chance(0.1)
        ? { outcome: { outcome: 'wait', reason: 'no room', retryAfterSeconds: 5 } }
        : actOf(seed, launched),
    tasks: [
      {
        ...textTask,
        attempts: 9,
        retryAfterDeadline: true,
        deadlineSeconds: () => 60,
        ceiling: { vcpu: 4, memoryMiB: 30_720, diskGiB: 20 },
        pack: { jobs: 5, bytes: 1e6, seconds: 1000, lingerSeconds: seed % 2 === 0 ? 0 : 20 },
      },
    ],
    settings: { maxTasks: MAX_TASKS, stepTimeoutSeconds: 60 },
  });
  for (let at = 0; at < FILES; at += 1) await world.drop(`text/${at}.txt`, 'x'.repeat(at + 1));
  const over = (): boolean => {
    const jobs = world.allJobs();
    return jobs.length === FILES && jobs.every(({ state }) => isTerminal(state));
  };
  for (let round = 0; round < 3000 && !over(); round += 1) {
    world.callsLeft = round < 40 ? Math.floor(400 * random.uniform()) : Number.POSITIVE_INFINITY;
    try {
      await work(world, random);
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
    }
  }
  world.callsLeft = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round += 1) {
    world.clock.advance(61_000);
    await work(world, random);
  }
  return world;
}

/** Of each container: what all its members' attempts cost together. */
function costsByContainer(
  jobs: Job[],
): Map<string, { usd: number; seconds: number; attempt: Job['attempts'][number] }> {
  const sums = new Map<string, { usd: number; seconds: number; attempt: Job['attempts'][number] }>();
  for (const attempt of jobs.flatMap(({ attempts }) => attempts)) {
    const known = sums.get(attempt.ref ?? '') ?? { usd: 0, seconds: 0, attempt };
    sums.set(attempt.ref ?? '', {
      usd: known.usd + (attempt.costUsd ?? 0),
      seconds: known.seconds + (attempt.seconds ?? 0),
      attempt,
    });
  }
  return sums;
}

describe('packs under whatever may happen to jobs, containers, events and processes', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'all end, each attempt in one container: seed %i',
    async (seed) => {
      const world = await live(seed);
      const jobs = world.allJobs();
      expect(jobs.map(({ state }) => state)).toEqual(Array.from({ length: FILES }, () => 'published'));
      expect(world.runner.mostAtOnce).toBeLessThanOrEqual(MAX_TASKS);
      const launches = world.runner.launches.map(({ job, attempt }) => `${job}/${attempt}`);
      expect(launches.length).toBe(new Set(launches).size);
      expect(launches).toHaveLength(jobs.reduce((sum, { attempts }) => sum + attempts.length, 0));
      expect(world.runner.containers.length).toBeLessThan(launches.length);
      for (const { usd, seconds, attempt } of costsByContainer(jobs).values()) {
        const { size, spot } = attempt;
        expect(usd).toBeCloseTo(cost({ size, spot, seconds, architecture: 'x86_64' }), 6);
      }
      expect((await status(world.context)).jobs).toMatchObject({ published: FILES, waiting: 0, running: 0 });
      expect(world.records.records.get('admission')?.value).toMatchObject({ entries: [] });
      expect([...world.records.records.keys()].filter((key) => /^(waiting|delayed)\//.test(key))).toEqual([]);
    },
  );
});
