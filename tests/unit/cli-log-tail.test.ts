import { ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, test } from '@jest/globals';
import { printLogs } from '../../cli/commands/logs.ts';
import { LogTail } from '../../cli/log-tail.ts';
import type { Output } from '../../cli/streams.ts';
import { ContainerLog, type ContainerLogPlace } from '../../lib/aws/container-log.ts';
import { stagingKeys } from '../../lib/pipeline/attempt-record.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import { World } from '../doubles/world.ts';

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const told: string[] = [];
  for await (const line of lines) told.push(line);
  return told;
}

describe('the log of an attempt', () => {
  test('goes on from the live log to the kept one, and tells no line twice', async () => {
    const { stores } = new World().context;
    const live = [['one', 'two'], [], ['three']];
    const tail = new LogTail({ stores }, { id: 'text-1', task: 'text' }, 1, {
      async *lines() {
        yield* live.shift() ?? [];
      },
    });
    expect(await all(tail.lines())).toEqual(['one', 'two']);
    expect(await all(tail.lines())).toEqual([]);
    expect(await all(tail.lines())).toEqual(['three']);
    await stores.staging.put(stagingKeys.log('text-1', 1), 'one\ntwo\nthree\nfour\n');
    expect(await all(tail.lines())).toEqual(['four']);
    expect(await all(tail.lines())).toEqual([]);
  });

  test('that is read in pieces keeps the characters that lie across two of them', async () => {
    const { stores } = new World().context;
    const line = `x${'ü'.repeat(1_500_000)}`;
    await stores.staging.put(stagingKeys.log('text-1', 1), `${line}\nnext\n`);
    const tail = new LogTail({ stores }, { id: 'text-1', task: 'text' }, 1);
    expect((await all(tail.lines())).map((told) => told === line || told)).toEqual([true, 'next']);
  });
});

test('the logs of a run are told job by job', async () => {
  const world = new World();
  for (const name of ['a', 'b']) await world.drop(`text/${name}.txt`, name);
  await world.settleAll();
  for (const { id, name } of world.allJobs())
    await world.stores.staging.put(stagingKeys.log(id, 1), `one of ${name}\ntwo of ${name}\n`);
  const [{ run }] = world.allJobs() as [Job];
  const told: string[] = [];
  const out: Output = { line: (text) => told.push(text), note: () => {}, live: false, status: () => {} };
  await printLogs({ ctx: world.context }, run, { json: false, follow: false }, out);
  expect(told).toEqual(['a  one of a', 'a  two of a', 'b  one of b', 'b  two of b']);
});

/** CloudWatch Logs with these pages in main's stream, and no other stream; a token names the next one, and the last names itself, as the real ones do. */
function logsWith(pages: string[][]): { client: ContainerLogPlace['client']; asked: unknown[] } {
  const asked: unknown[] = [];
  const send = ({ input }: { input: { nextToken?: string; logStreamName?: string } }): Promise<object> => {
    const isThere = pages.length > 0 && input.logStreamName?.startsWith('main/');
    if (isThere) asked.push(input);
    if (!isThere) {
      const message = 'The specified log stream does not exist.';
      return Promise.reject(new ResourceNotFoundException({ message, $metadata: {} }));
    }
    const at = Number(input.nextToken ?? 0);
    const events = (pages[at] ?? []).map((line) => ({ message: line }));
    return Promise.resolve({ events, nextForwardToken: String(Math.min(at + 1, pages.length)) });
  };
  return { client: { send }, asked };
}

describe('the log of a container on Fargate', () => {
  const place = { groupPrefix: '/longshore/dev/', task: 'text', ref: 'arn:aws:ecs:r:a:task/c/0123abc' };

  test('is told page by page, empty ones in between, and goes on where it ended', async () => {
    const pages = [['one'], [], ['two', 'three']];
    const { client, asked } = logsWith(pages);
    const log = new ContainerLog({ client, ...place });
    expect(await all(log.lines())).toEqual(['one', 'two', 'three']);
    expect(await all(log.lines())).toEqual([]);
    pages.push(['four']);
    expect(await all(log.lines())).toEqual(['four']);
    expect(asked[0]).toMatchObject({
      logGroupName: '/longshore/dev/text',
      logStreamName: 'main/main/0123abc',
      startFromHead: true,
    });
  });

  test('has no lines before the container has started', async () => {
    const pages: string[][] = [];
    const { client } = logsWith(pages);
    const log = new ContainerLog({ client, ...place });
    expect(await all(log.lines())).toEqual([]);
    pages.push(['at last']);
    expect(await all(log.lines())).toEqual(['at last']);
  });
});
