import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { outputOf } from '../../lib/tasks/outputs.ts';
import { textTask, World, type WorldOptions } from '../doubles/world.ts';

/** A world in which the records of some jobs cannot be read, as on a disk that lost them. */
function worldWith(options: WorldOptions = {}): { world: World; breakJob: (name: string) => void } {
  const world = new World(options);
  const broken = new Set<string>();
  const read = world.records.read.bind(world.records);
  world.records.read = async (key) => {
    if (broken.has(key)) throw new Error(`The record ${key} is not JSON`);
    return await read(key);
  };
  return { world, breakJob: (name) => broken.add(`jobs/${world.job(name).id}`) };
}

const told = (world: World): unknown[] =>
  world.log.lines.filter(({ event }) => event === 'Job:Handle:Failed').map(({ job }) => job);

describe('a job record that cannot be read', () => {
  test('of a waiting job lets the others start', async () => {
    const { world, breakJob } = worldWith({ settings: { maxTasks: 1 }, script: () => ({ seconds: 10 }) });
    for (const name of ['a', 'b', 'c']) await world.drop(`text/${name}.txt`, 'hello');
    await world.deliver();
    breakJob('b');
    for (let minute = 0; minute < 5; minute += 1) {
      world.clock.advance(60_000);
      await world.tellStops();
      while (await world.deliver());
      await dispatch(world.context);
    }
    expect([world.job('a').state, world.job('c').state]).toEqual(['published', 'published']);
    expect(told(world)).toContain(world.job('b').id);
  });

  test('of a running job keeps its slot, and the ends of others are found by the sweep', async () => {
    const { world, breakJob } = worldWith({ settings: { maxTasks: 2 }, script: () => ({ seconds: 10 }) });
    for (const name of ['a', 'b', 'c', 'd']) await world.drop(`text/${name}.txt`, 'hello');
    await world.deliver();
    const [first, second] = ['a', 'b', 'c', 'd'].filter((name) => world.job(name).state === 'running');
    breakJob(first!);
    world.clock.advance(60_000);
    await sweep(world.context);
    while (await world.deliver());
    expect(world.job(second!).state).toBe('published');
    const { running, unreadable } = await status(world.context);
    expect(running).toHaveLength(1);
    expect(unreadable).toEqual([
      { job: world.job(first!).id, reason: expect.stringContaining('is not JSON') as unknown },
    ]);
  });

  test('in a pack leaves its companions their ends', async () => {
    const { world, breakJob } = worldWith({
      tasks: [{ ...textTask, pack: { jobs: 10, bytes: 1e6, seconds: 600, lingerSeconds: 1 } }],
      script: () => ({ seconds: 10 }),
    });
    for (const name of ['a', 'b', 'c']) await world.drop(`text/${name}.txt`, 'hello');
    await world.deliver();
    world.clock.advance(2000);
    await dispatch(world.context);
    expect(world.runner.tasks.size).toBe(1);
    breakJob('b');
    world.clock.advance(60_000);
    await world.tellStops();
    while (await world.deliver());
    expect([world.job('a').state, world.job('b').state, world.job('c').state]).toEqual([
      'published',
      'running',
      'published',
    ]);
  });

  test('among retries whose time has come keeps none of them waiting', async () => {
    const { world, breakJob } = worldWith({ script: () => ({ exitCode: 75 }) });
    for (const name of ['a', 'b']) await world.drop(`text/${name}.txt`, 'hello');
    await world.deliver();
    world.clock.advance(60_000);
    await world.tellStops();
    while (await world.deliver());
    expect([world.job('a').notBefore, world.job('b').notBefore]).not.toContain(undefined);
    breakJob('a');
    world.clock.advance(600_000);
    await sweep(world.context);
    expect(world.job('b').notBefore).toBeUndefined();
  });
});

describe('a job whose record was removed by hand', () => {
  test('is forgotten: it does not run for ever', async () => {
    const world = new World({ script: () => ({ hangs: true }) });
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    expect((await status(world.context)).jobs.running).toBe(1);
    await world.records.delete(`jobs/${world.job('a').id}`);
    await sweep(world.context);
    expect((await status(world.context)).jobs).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe('a waiting job whose task file was changed under it', () => {
  test('fails with the reason, and gives its slot to the next', async () => {
    const world = new World({ settings: { maxTasks: 1 } });
    await world.ask('r', { area: 'x', kind: 'rich' });
    world.context.settings.maxTasks = 0;
    await world.deliver();
    world.context.settings.maxTasks = 1;
    const params = z.strictObject({ area: z.string().optional() });
    (world.context.tasks as Map<string, unknown>).set('text', { ...textTask, params });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('x')).toMatchObject({ state: 'failed', cause: 'refused' });
    expect(world.job('x').reason).toMatch(/no longer valid/);
    expect(world.job('a').state).toBe('published');
  });
});

describe('a published receipt that cannot be read', () => {
  test('is told with its place and what to do, and the file waits for it', async () => {
    const world = new World();
    await world.stores.output.put('text/a/receipt.json', '{"job":');
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    expect(world.log.lines.at(-1)).toMatchObject({
      event: 'Message:Handle:Failed',
      reason: expect.stringMatching(
        /The receipt \S+text\/a\/receipt.json is not JSON: restore it, or remove it/,
      ),
    });
    await world.stores.output.delete('text/a/receipt.json');
    await world.settleAll();
    expect(world.job('a').state).toBe('published');
  });
});

describe('an output that has the name of the receipt', () => {
  test('is set aside with the reason: the receipt would replace it', async () => {
    const [spec] = textTask.outputs;
    const world = new World({
      tasks: [{ ...textTask, outputs: [{ ...spec!, pattern: '**', checks: [] }] }],
      script: () => ({ outputs: { 'receipt.json': 'mine' } }),
    });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'quarantined', cause: 'invalid-output' });
    expect(world.job('a').reason).toMatch(/^receipt.json: this is the name of the receipt/);
  });
});

test('a pattern fits names with a line break, too', () => {
  const any = { pattern: '**' };
  expect(outputOf([any], 'new\nline.csv')).toBe(any);
});
