import { describe, expect, test } from '@jest/globals';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { tryAgain } from '../../lib/pipeline/try-again.ts';
import { cancel } from '../../lib/pipeline/cancel.ts';
import type { Act } from '../doubles/memory/task-runner.ts';
import { KilledError, World } from '../doubles/world.ts';

/** A world in which one job of the run has failed, for as long as `broken` is true. */
async function failedWorld(
  act: Act = { exitCode: 1, lastLine: 'no luck' },
): Promise<{ world: World; mend: () => void }> {
  let broken = true;
  const world = new World({
    script: () => (broken ? act : { outputs: { 'out.txt': 'good' } }),
  });
  await world.ask('r', { area: 'a' });
  await world.settleAll();
  return { world, mend: () => (broken = false) };
}

const markersOf = (world: World): string[] =>
  [...world.records.records.keys()].filter((key) => /^(runs|waiting|delayed|retries)\//.test(key));

describe('a job that failed, tried again', () => {
  test('is the same job: its attempts are counted on, and it has as many again', async () => {
    const { world, mend } = await failedWorld();
    const { id } = world.job('a');
    expect(world.job('a')).toMatchObject({ state: 'failed', attempts: [{}, {}, {}] });

    expect(await tryAgain(world.context, id)).toMatchObject({ again: true, job: { id, state: 'waiting' } });
    expect((await status(world.context, { run: 'r' })).jobs).toMatchObject({ waiting: 1, failed: 0 });
    await world.settleAll();
    expect(world.job('a')).toMatchObject({
      state: 'failed',
      reason: 'Exit code 1: no luck (after 3 attempts)',
    });
    expect(world.job('a').attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);

    await tryAgain(world.context, id);
    mend();
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'published' });
    expect(world.job('a').reason).toBeUndefined();
    const receipt = JSON.parse(world.output('text/a/receipt.json')!) as { attempts: object[] };
    expect(receipt.attempts).toHaveLength(7);
    expect(markersOf(world)).toEqual([`runs/r/accepted/${id}`, `runs/r/published/${id}`]);
  });

  test('has at least the memory that it ended with', async () => {
    const { world, mend } = await failedWorld({ outOfMemory: true });
    expect(world.job('a')).toMatchObject({ state: 'failed', size: { memoryMiB: 8192 } });
    mend();
    await tryAgain(world.context, world.job('a').id);
    await world.settleAll();
    expect(world.job('a').attempts.at(-1)).toMatchObject({ cause: 'succeeded', size: { memoryMiB: 8192 } });
  });

  test('is left alone when it is published, waits, or runs', async () => {
    const { world, mend } = await failedWorld();
    mend();
    const { id } = world.job('a');
    expect((await tryAgain(world.context, id)).again).toBe(true);
    expect((await tryAgain(world.context, id)).again).toBe(false);
    await world.settleAll();
    expect(await tryAgain(world.context, id)).toMatchObject({ again: false, job: { state: 'published' } });
    expect(world.job('a').attempts).toHaveLength(4);
    await expect(tryAgain(world.context, 'nobody')).rejects.toThrow('There is no job "nobody"');
  });

  test('after it was cancelled while it waited', async () => {
    const world = new World({ settings: { maxTasks: 1 } });
    await world.ask('r', { area: 'a' });
    await world.ask('r', { area: 'b' });
    await world.deliver();
    const { id } = world.job('b');
    await cancel(world.context, id);
    expect(world.job('b').state).toBe('cancelled');
    await tryAgain(world.context, id);
    await world.settleAll();
    expect(world.job('b')).toMatchObject({ state: 'published', attempts: [{ attempt: 1 }] });
  });

  test('whose parameters are not acceptable stays as it is, with the reason of today', async () => {
    const world = new World();
    await world.ask('r', { area: 'a', kind: 'odd' });
    await world.settleAll();
    const [job] = world.allJobs();
    expect(await tryAgain(world.context, job!.id)).toMatchObject({ again: false });
    expect(world.allJobs()).toMatchObject([{ state: 'quarantined', reason: expect.stringContaining('odd') }]);
    expect(markersOf(world)).toEqual([`runs/r/accepted/${job!.id}`, `runs/r/quarantined/${job!.id}`]);
  });

  test('by two at once is tried again once', async () => {
    const { world, mend } = await failedWorld();
    mend();
    const { id } = world.job('a');
    await Promise.all([tryAgain(world.context, id), tryAgain(world.context, id), sweep(world.context)]);
    await world.settleAll();
    expect(world.job('a').attempts).toHaveLength(4);
    expect(markersOf(world)).toEqual([`runs/r/accepted/${id}`, `runs/r/published/${id}`]);
  });

  test('killed between any two calls, it is tried again once: by the sweep, or by asking once more', async () => {
    for (const asksAgain of [false, true]) {
      for (let n = 0; ; n += 1) {
        const { world, mend } = await failedWorld();
        mend();
        const { id } = world.job('a');
        world.callsLeft = n;
        const killed = await tryAgain(world.context, id).then(
          () => false,
          (error: unknown) => error instanceof KilledError,
        );
        world.callsLeft = Number.POSITIVE_INFINITY;
        await sweep(world.context);
        const begun = world.job('a').state !== 'failed';
        if (asksAgain) await tryAgain(world.context, id);
        await world.settleAll();
        const expected =
          begun || asksAgain ? { state: 'published', attempts: 4 } : { state: 'failed', attempts: 3 };
        const { state, attempts } = world.job('a');
        expect({ n, state, attempts: attempts.length }).toEqual({ n, ...expected });
        expect({ n, markers: markersOf(world) }).toEqual({
          n,
          markers: [`runs/r/accepted/${id}`, `runs/r/${state}/${id}`],
        });
        if (!killed) break;
      }
    }
  });
});
