import { describe, expect, test } from '@jest/globals';
import { accept } from '../../lib/pipeline/accept.ts';
import { admit, type Admission } from '../../lib/pipeline/admission.ts';
import { underWayUsd } from '../../lib/pipeline/budget.ts';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { setBudget } from '../../lib/pipeline/set-budget.ts';
import { heldOf } from '../../lib/pipeline/set-budget.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { tryAgain } from '../../lib/pipeline/try-again.ts';
import { cost } from '../../lib/tasks/prices.ts';
import type { Act } from '../doubles/memory/task-runner.ts';
import { KilledError, World, textTask } from '../doubles/world.ts';

const RUN = 'world-2026-11';
/** Five minutes each: what the task file says, and the plan. */
const EXPECTED_SECONDS = 300;
const EACH = cost({
  size: textTask.size({ bytes: 0, params: {} }),
  spot: true,
  seconds: EXPECTED_SECONDS,
  architecture: 'x86_64',
});

const admissionOf = (world: World): Admission => world.records.records.get('admission')!.value as Admission;
const budgetOf = (world: World): { capUsd?: number; spentUsd: number } => admissionOf(world).budgets![RUN]!;
const paidBy = (world: World): number =>
  world
    .allJobs()
    .filter(({ run }) => run === RUN)
    .flatMap(({ attempts }) => attempts)
    .reduce((sum, { costUsd = 0 }) => sum + costUsd, 0);

/**
 * Looks at each write that admits something as it is made. The answer has, of each, how far over the cap the run then was:
 * nobody may ever see more than nothing.
 */
function guard({ records }: World): number[] {
  const over: number[] = [];
  const replace = records.replace.bind(records);
  records.replace = async (key, value, version) => {
    const before = records.records.get(key)?.value;
    const written = await replace(key, value, version);
    if (key !== 'admission' || written === undefined) return written;
    const { entries, budgets } = value as Admission;
    const had = new Set((before as Admission).entries.map(({ claim }) => claim));
    const { capUsd, spentUsd = 0 } = budgets?.[RUN] ?? {};
    if (capUsd !== undefined && entries.some(({ claim, run }) => run === RUN && !had.has(claim)))
      over.push(Math.max(0, spentUsd + underWayUsd(entries, RUN) - capUsd));
    return written;
  };
  return over;
}

/** Park and Miller's: the same numbers each time. */
const randomFrom = (seed: number) => () => {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed / 2_147_483_647;
};

async function worldOf(jobs: number, capUsd: number | undefined, script?: () => Act): Promise<World> {
  const world = new World({
    settings: { maxTasks: 20 },
    script: script ?? (() => ({ seconds: EXPECTED_SECONDS, outputs: { 'out.txt': 'good' } })),
  });
  await setBudget(world.context, RUN, capUsd);
  for (let at = 0; at < jobs; at += 1) {
    await accept(world.context, {
      kind: 'job',
      run: RUN,
      task: 'text',
      params: { area: `a${at}` },
      priority: 5,
      sequence: '0',
      expectedSeconds: EXPECTED_SECONDS,
    });
  }
  return world;
}

/** Several dispatchers and a sweep at once, again and again, until nothing moves any more. */
async function work(world: World, { dispatchers = 5, rounds = 200 } = {}): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all([
      world.deliver(),
      ...Array.from({ length: dispatchers }, async () => await dispatch(world.context)),
      world.tellStops(),
      sweep(world.context),
    ]);
    while (await world.deliver());
    const { jobs, budgets } = await status(world.context, { run: RUN });
    if (jobs.running === 0 && jobs.waiting === heldOf(budgets)) return;
    world.clock.advance(60_000);
  }
  throw new Error(JSON.stringify((await status(world.context)).jobs));
}

describe('the budget of a run', () => {
  test('stops the admission of its jobs, and says how many it holds back; a higher one lets it go on', async () => {
    const world = await worldOf(10, 3.5 * EACH);
    const over = guard(world);
    await work(world);
    expect(await status(world.context, { run: RUN })).toMatchObject({
      jobs: { published: 3, waiting: 7, running: 0 },
      budgets: [{ run: RUN, capUsd: 3.5 * EACH, underWayUsd: 0, held: 7 }],
    });
    await setBudget(world.context, RUN, 8 * EACH);
    await work(world);
    expect((await status(world.context, { run: RUN })).jobs).toMatchObject({ published: 8, waiting: 2 });
    await setBudget(world.context, RUN, undefined);
    await work(world);
    expect((await status(world.context, { run: RUN })).jobs).toMatchObject({ published: 10, waiting: 0 });
    expect(over.length).toBeGreaterThan(1);
    expect(Math.max(...over)).toBeCloseTo(0, 9);
    expect(budgetOf(world).spentUsd).toBeCloseTo(paidBy(world), 9);
  });

  test('is exact with several dispatchers, whatever the attempts really cost and however they end', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const next = randomFrom(seed);
      const world = await worldOf(30, 6 * EACH, () => {
        const seconds = EXPECTED_SECONDS * (0.2 + 1.3 * next());
        const luck = next();
        if (luck < 0.1) return { seconds, outOfMemory: true };
        if (luck < 0.2) return { seconds, stopCode: 'SpotInterruption', vanishes: true };
        if (luck < 0.25) return { seconds, exitCode: 1 };
        if (luck < 0.3) return { outcome: { outcome: 'wait', reason: 'no capacity', retryAfterSeconds: 1 } };
        return { seconds, outputs: { 'out.txt': 'good' } };
      });
      const over = guard(world);
      await work(world);
      expect(Math.max(...over)).toBeCloseTo(0, 9);
      expect(budgetOf(world).spentUsd).toBeCloseTo(paidBy(world), 9);
      expect(admissionOf(world).entries).toEqual([]);
      const { jobs } = await status(world.context, { run: RUN });
      expect(jobs.waiting).toBeGreaterThan(0);
      expect(jobs.published + jobs.failed).toBeGreaterThan(0);
    }
  });

  test('admits no two jobs at once that it has enough for one by one, though each was gathered by another dispatcher', async () => {
    const world = await worldOf(8, 3 * EACH);
    const admitted = await Promise.all(
      world.allJobs().map(async (job) => await admit(world.context, [[job]])),
    );
    expect(admitted.flat()).toHaveLength(3);
    expect(await admit(world.context, [world.allJobs()])).toEqual([]);
  });

  test('of a launch of several jobs takes those that it has enough for', async () => {
    const world = await worldOf(5, 2 * EACH);
    const [entry] = await admit(world.context, [world.allJobs()]);
    expect(entry?.members.map(({ name }) => name)).toHaveLength(2);
  });

  test('holds back no other run’s jobs, nor what runs already', async () => {
    const world = await worldOf(4, 2 * EACH);
    await dispatch(world.context);
    expect(world.runner.running()).toHaveLength(2);
    await setBudget(world.context, RUN, 0.5 * EACH);
    await world.drop('text/live.txt', 'live');
    while (await world.deliver());
    expect(world.runner.running()).toHaveLength(3);
    await work(world);
    expect((await status(world.context, { run: RUN })).jobs).toMatchObject({ published: 2, waiting: 2 });
    expect(world.job('live')).toMatchObject({ state: 'published' });
  });

  test('given to a run that is on its way counts what was spent before, once', async () => {
    const world = await worldOf(6, undefined);
    await dispatch(world.context);
    // As if it had never had one: three have ended, one of them not seen yet, three run.
    const { budgets: _, ...before } = admissionOf(world);
    world.records.records.get('admission')!.value = before;
    world.clock.advance(EXPECTED_SECONDS * 1000);
    await world.tellStops({ lose: ({ ref }) => !/a[0-2]-/.test(ref) });
    await setBudget(world.context, RUN, 100 * EACH);
    await work(world);
    expect(budgetOf(world).spentUsd).toBeCloseTo(paidBy(world), 9);
    expect(paidBy(world)).toBeCloseTo(6 * EACH, 9);
  });

  test('knows what a job cost that was tried again, and each attempt at its own price', async () => {
    let tries = 0;
    const world = await worldOf(1, 100, () => ({
      seconds: EXPECTED_SECONDS,
      exitCode: (tries += 1) > 3 ? 0 : 1,
    }));
    await work(world);
    expect(world.job('a0').state).toBe('failed');
    await tryAgain(world.context, world.job('a0').id);
    await work(world);
    expect(world.allJobs()).toMatchObject([{ state: 'published', attempts: [{}, {}, {}, {}] }]);
    expect(budgetOf(world).spentUsd).toBeCloseTo(4 * EACH, 9);
  });

  test('killed between any two calls, each attempt is paid once', async () => {
    for (let n = 0; n < 160; n += 1) {
      const world = await worldOf(3, 2.5 * EACH);
      world.callsLeft = n;
      try {
        await work(world, { dispatchers: 1 });
      } catch (error) {
        if (!(error instanceof KilledError)) throw error;
      }
      // What the process had begun beside that call dies with it, too.
      await new Promise((resolve) => setImmediate(resolve));
      world.callsLeft = Number.POSITIVE_INFINITY;
      await work(world, { dispatchers: 1 });
      expect({ n, spent: budgetOf(world).spentUsd.toFixed(6) }).toEqual({
        n,
        spent: paidBy(world).toFixed(6),
      });
      expect({ n, jobs: (await status(world.context)).jobs }).toMatchObject({
        jobs: { published: 2, waiting: 1 },
      });
    }
  });
});
