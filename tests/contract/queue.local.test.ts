import { afterEach, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryQueue } from '../../lib/local/memory-queue.ts';
import { describeQueueContract } from './queue.suite.ts';

describeQueueContract('MemoryQueue', async () => ({
  queue: new MemoryQueue({ visibilitySeconds: 1 }),
  close: async () => {},
}));

afterEach(() => {
  jest.restoreAllMocks();
});

test('MemoryQueue keeps nobody waiting for longer when the clock is set back by an hour', async () => {
  const queue = new MemoryQueue();
  await queue.send(['"x"'], { delaySeconds: 1 });
  const received = queue.receive({ waitSeconds: 20 });
  await sleep(100);
  const { now } = Date;
  jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
  // Looked at again, as whenever something is sent.
  await queue.send([]);
  expect(await received).toMatchObject([{ body: '"x"' }]);
});

test('MemoryQueue gives a message back before its time when asked to', async () => {
  const queue = new MemoryQueue();
  await queue.send(['"x"']);
  const [first] = await queue.receive();
  await first?.retry(0);
  const [second] = await queue.receive();
  expect(second).toMatchObject({ body: '"x"', receiveCount: 2 });
  // The first delivery is over: giving it back once more changes nothing.
  await first?.retry(0);
  expect(await queue.receive()).toEqual([]);
  await second?.ack();
  expect(queue.size).toBe(0);
});
