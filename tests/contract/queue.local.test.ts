import { expect, test } from '@jest/globals';
import { MemoryQueue } from '../../lib/local/memory-queue.ts';
import { describeQueueContract } from './queue.suite.ts';

describeQueueContract('MemoryQueue', async () => ({
  queue: new MemoryQueue({ visibilitySeconds: 1 }),
  close: async () => {},
}));

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
