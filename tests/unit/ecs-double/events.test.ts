/** "ECS Task State Change": the shape of the real ones, and all that may go wrong on their way. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { taskStateChange } from '../../../lib/aws/events.ts';
import type { TaskStateChange } from '../../doubles/ecs/events.ts';
import type { EcsOptions } from '../../doubles/ecs/options.ts';
import { bench, onSpot } from './support.ts';

const recorded = JSON.parse(
  readFileSync(new URL('../../events/ecs/succeeded.json', import.meta.url), 'utf8'),
) as TaskStateChange;

async function eventsOf(options: EcsOptions, tokens: string[] = ['token']): Promise<TaskStateChange[]> {
  const { run, ecs, events, stop } = await bench(options);
  for (const clientToken of tokens) {
    await run({ clientToken, startedBy: 'longshore/job-1/1', ...onSpot });
  }
  await ecs.idle();
  await stop();
  return events;
}

const kinds = (value: object): Record<string, string> =>
  Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, typeof inner]));
const container = (event: TaskStateChange): object => (event.detail['containers'] as object[])[0]!;

test('an event has every field that a recorded one has, of the same kind', async () => {
  const last = (await eventsOf({})).at(-1);
  expect(kinds(last!)).toMatchObject(kinds(recorded));
  expect(kinds(last!.detail)).toMatchObject(kinds(recorded.detail));
  expect(kinds(container(last!))).toMatchObject(kinds(container(recorded)));
  expect(taskStateChange(last).state).toMatchObject({ launch: 'job-1/1', status: 'stopped', exitCode: 0 });
});

const told = (events: TaskStateChange[]): string => events.map(({ detail }) => `${detail.version}`).join(' ');
const ascending = (events: TaskStateChange[]): string =>
  told(events.toSorted((a, b) => a.detail.version - b.detail.version));

test('twice: both copies are the same event', async () => {
  const once = await eventsOf({});
  const twice = await eventsOf({ events: { copies: 2 } });
  expect(twice).toHaveLength(once.length * 2);
  expect(new Set(twice.map(({ id }) => id)).size).toBe(once.length);
});

test('late: in another order, and none is missing', async () => {
  const events = await eventsOf({ events: { lateSeconds: [0, 100] } });
  expect(told(events)).not.toBe(ascending(events));
  expect(ascending(events)).toBe(ascending(await eventsOf({})));
});

test('never: the same ones are lost for the same seed, others for another', async () => {
  const tokens = ['a', 'b', 'c', 'd', 'e', 'f'];
  const of = async (seed: number): Promise<string> =>
    (await eventsOf({ seed, events: { lose: 0.5 } }, tokens))
      .map(({ detail }) => `${detail.lastStatus}${detail.version}`)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .join(' ');
  const first = await of(1);
  expect(await of(1)).toBe(first);
  expect(await of(2)).not.toBe(first);
});

test('only some: a function says which', async () => {
  const events = await eventsOf({
    events: { lose: ({ detail }) => (detail.lastStatus === 'STOPPED' ? 1 : 0) },
  });
  expect(events.map(({ detail }) => detail.lastStatus)).not.toContain('STOPPED');
  expect(events.length).toBeGreaterThan(5);
});

test('what the sink throws is tried again', async () => {
  let failures = 3;
  const seen: string[] = [];
  const { run, ecs, stop } = await bench({
    eventSink: async ({ detail }) => {
      if (detail.lastStatus !== 'STOPPED') return;
      failures -= 1;
      if (failures >= 0) throw new Error('not now');
      seen.push(detail.taskArn);
    },
  });
  const taskArn = await run();
  await ecs.idle();
  await stop();
  expect(seen).toEqual([taskArn]);
});
