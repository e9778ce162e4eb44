import { describe, expect, test } from '@jest/globals';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { lookAtLine } from '../../lib/pipeline/stalled.ts';
import { World } from '../doubles/world.ts';

describe('the line of waiting jobs', () => {
  test('is nothing to tell of when nothing runs and nothing waits', async () => {
    const world = new World();
    expect(await lookAtLine(world.context)).toBeUndefined();
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(await lookAtLine(world.context)).toBeUndefined();
  });

  test('has not stalled while nobody waits, however long the containers run', async () => {
    const world = new World({ script: () => ({ hangs: true }) });
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    world.clock.advance(500_000);
    expect(await lookAtLine(world.context)).toEqual({ running: 1, inLine: 0, stalledSeconds: 0 });
  });

  test('stalls from when a job was last started, or from when the first in line came', async () => {
    const world = new World({ script: () => ({ hangs: true }), settings: { maxTasks: 1 } });
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    world.clock.advance(100_000);
    await world.drop('text/b.txt', 'hello');
    await world.deliver();
    const atFirst = await lookAtLine(world.context);
    expect(atFirst).toMatchObject({ running: 1, inLine: 1, stalledSeconds: 0 });
    world.clock.advance(90_000);
    expect(await lookAtLine(world.context)).toMatchObject({ stalledSeconds: 90 });
  });

  test('stalls when every launch is put off', async () => {
    const world = new World({ script: () => ({ outcome: { outcome: 'wait', reason: 'quota' } }) });
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    for (let minute = 0; minute < 5; minute += 1) {
      world.clock.advance(60_000);
      await dispatch(world.context);
    }
    expect(world.log.lines.filter(({ event }) => event === 'Task:Launch:Wait').length).toBeGreaterThan(3);
    const line = await lookAtLine(world.context);
    expect(line).toMatchObject({ running: 0, inLine: 1 });
    expect(line?.stalledSeconds).toBeGreaterThanOrEqual(300);
  });
});
