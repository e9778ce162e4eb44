/** What every queue must do. Run by `queue.*.test.ts`, once for each implementation. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Queue, ReceivedMessage } from '../../lib/ports.ts';

export interface QueueContext {
  /** Empty, with a visibility timeout of 1 second. */
  queue: Queue;
  close(): Promise<void>;
}

export function describeQueueContract(name: string, makeContext: () => Promise<QueueContext>): void {
  describe(`${name} keeps the queue contract`, () => {
    let context: QueueContext;
    let queue: Queue;
    beforeEach(async () => {
      context = await makeContext();
      queue = context.queue;
    });
    afterEach(async () => {
      await context.close();
    });

    /** Receives until `count` deliveries have come; the test's own timeout is the limit. */
    const receive = async (count: number, ack: boolean): Promise<ReceivedMessage[]> => {
      const all: ReceivedMessage[] = [];
      while (all.length < count) {
        const batch = await queue.receive({ waitSeconds: 1 });
        expect(batch.length).toBeLessThanOrEqual(10);
        for (const message of batch) if (ack) await message.ack();
        all.push(...batch);
      }
      return all;
    };

    test('what is sent is received, as it was', async () => {
      const body = JSON.stringify({ kind: 'upload', key: 'a b/Zürich 🗺 "q" <&>.pbf' });
      await queue.send([body]);
      const [message] = await receive(1, true);
      expect(message).toMatchObject({ body, receiveCount: 1 });
    });

    test('25 messages come in batches of at most 10, each once', async () => {
      const bodies = Array.from({ length: 25 }, (_, index) => JSON.stringify({ index }));
      await queue.send(bodies);
      const received = await receive(25, true);
      expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
      expect(await queue.receive({ waitSeconds: 2 })).toEqual([]);
    });

    test('an empty queue gives nothing', async () => {
      expect(await queue.receive({ waitSeconds: 0 })).toEqual([]);
      expect(await queue.receive({ waitSeconds: 1 })).toEqual([]);
    });

    test('nothing to send is nothing sent', async () => {
      await queue.send([]);
      expect(await queue.receive({ waitSeconds: 1 })).toEqual([]);
    });

    test('a message that is not acknowledged comes again, and counts its deliveries', async () => {
      await queue.send(['"again"']);
      const [first] = await receive(1, false);
      const [second] = await receive(1, false);
      const [third] = await receive(1, true);
      expect([first, second, third].map((message) => message?.receiveCount)).toEqual([1, 2, 3]);
      expect(third?.body).toBe('"again"');
      expect(await queue.receive({ waitSeconds: 2 })).toEqual([]);
    });

    test('a message under way is not seen by others', async () => {
      await queue.send(['"one"']);
      await receive(1, true);
      expect(await queue.receive({ waitSeconds: 0 })).toEqual([]);
    });

    test('a delayed message does not come before its time', async () => {
      await queue.send(['"late"'], { delaySeconds: 2 });
      expect(await queue.receive({ waitSeconds: 0 })).toEqual([]);
      const [message] = await receive(1, true);
      expect(message?.body).toBe('"late"');
    });

    test('a message that is sent while somebody waits is received by them', async () => {
      const waiting = queue.receive({ waitSeconds: 20 });
      await queue.send(['"now"']);
      const [message] = await waiting;
      expect(message?.body).toBe('"now"');
      await message?.ack();
    });

    test('a message of 1 MiB is taken, and a larger one refused', async () => {
      const body = JSON.stringify('x'.repeat(1024 * 1024 - 2));
      await queue.send([body]);
      expect((await receive(1, true))[0]?.body).toBe(body);
      await expect(queue.send([`${body} `])).rejects.toThrow(/limit|longer|larger|maximum|exceed/i);
    });
  });
}
