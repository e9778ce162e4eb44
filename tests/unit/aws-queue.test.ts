/** What only SQS has: batches, partial failures, characters that it refuses. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SQSClient, type SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { batches, SqsQueue } from '../../lib/aws/sqs-queue.ts';
import { StepQueue } from '../../lib/aws/step-queue.ts';
import { wakeLater } from '../../lib/aws/wake.ts';
import type { Queue } from '../../lib/ports.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';

const MIB = 1024 * 1024;

describe('batches', () => {
  test('hold ten messages and 1 MiB at most, in order', () => {
    const small = Array.from({ length: 23 }, (_, n) => String(n));
    expect(batches(small, 'url').map((batch) => batch.length)).toEqual([10, 10, 3]);
    expect(batches(small, 'url').flat()).toEqual(small);
    const large = Array.from({ length: 5 }, () => 'x'.repeat(400 * 1024));
    expect(batches(large, 'url').map((batch) => batch.length)).toEqual([2, 2, 1]);
    expect(batches(['ä'.repeat(MIB / 2)], 'url')).toHaveLength(1);
    expect(batches([], 'url')).toEqual([]);
  });

  test('a message that SQS would not take is told with its size', () => {
    expect(() => batches(['ä'.repeat(MIB / 2 + 1)], 'https://queue')).toThrow(
      'A message of 1048578 bytes was not sent to https://queue',
    );
  });
});

/** A client that answers each SendMessageBatch as scripted. */
function scripted(answers: { Failed: { Id: string; Code: string; SenderFault: boolean }[] }[]) {
  const sent: string[][] = [];
  const client = new SQSClient({ region: 'us-east-1' });
  client.send = (async ({ input }: SendMessageBatchCommand) => {
    sent.push((input.Entries ?? []).map(({ MessageBody = '' }) => MessageBody));
    return answers.shift() ?? { Failed: [] };
  }) as SQSClient['send'];
  return { queue: new SqsQueue({ client, url: 'https://queue' }), sent };
}

const failed = (Id: string, SenderFault = false) => ({ Id, Code: 'InternalError', SenderFault });

describe('partial failures', () => {
  test('only what failed is sent again', async () => {
    const { queue, sent } = scripted([{ Failed: [failed('1'), failed('2')] }, { Failed: [failed('2')] }]);
    await queue.send(['a', 'b', 'c']);
    expect(sent).toEqual([['a', 'b', 'c'], ['b', 'c'], ['c']]);
  });

  test('what fails again and again is an error that says so', async () => {
    const { queue } = scripted(Array.from({ length: 9 }, () => ({ Failed: [failed('0')] })));
    await expect(queue.send(['a', 'b'])).rejects.toThrow(
      '1 messages were not sent to https://queue: InternalError',
    );
  });

  test("what is the sender's fault is not tried again", async () => {
    const { queue, sent } = scripted([{ Failed: [failed('0', true)] }]);
    await expect(queue.send(['a'])).rejects.toThrow('not sent');
    expect(sent).toHaveLength(1);
  });
});

const step = (kind: string) => JSON.stringify({ kind, job: 'j', attempt: 1 });

describe('against fauxqs', () => {
  let aws: S3Double;
  const open = (name: string) => new SqsQueue({ client: aws.sqs, url: aws.createQueue(name) });
  beforeAll(async () => {
    aws = await startS3();
  });
  afterAll(async () => await aws.stop());

  test('JSON with characters that SQS refuses arrives as it was', async () => {
    const queue = open('characters');
    const value = { key: 'a\uFFFE\uFFFF\u0000\u001F\uD800🗺.csv' };
    await queue.send([JSON.stringify(value)]);
    const [message] = await queue.receive();
    expect(JSON.parse(message?.body ?? '')).toEqual(value);
  });

  test('each step goes to its own queue', async () => {
    const [validate, publish] = [open('validate'), open('publish')];
    const steps = new StepQueue({ validate, publish });
    await steps.send([step('publish'), step('validate')]);
    expect((await validate.receive()).map(({ body }) => body)).toEqual([step('validate')]);
    expect((await publish.receive()).map(({ body }) => body)).toEqual([step('publish')]);
  });
});

test('wakes later in whole seconds, a quarter of an hour at most, and only if there is something to wait for', async () => {
  const delays: (number | undefined)[] = [];
  const jobs: Queue = {
    send: async (_, options) => void delays.push(options?.delaySeconds),
    receive: async () => [],
  };
  await wakeLater({ jobs }, { launched: 0, waiting: 0 });
  await wakeLater({ jobs }, { launched: 0, waiting: 1, retryAfterSeconds: 0.05 });
  await wakeLater({ jobs }, { launched: 0, waiting: 1, retryAfterSeconds: 5000 });
  expect(delays).toEqual([1, 900]);
});
