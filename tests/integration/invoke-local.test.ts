/**
 * `serverless invoke local -f run`, as a person calls it: the command asks CloudFormation for the stack's names (a stand-in
 * here), bundles the function, and runs it against S3 and SQS (fauxqs).
 */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startS3, type S3Double } from '../doubles/s3.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const BUCKETS = ['uploads', 'output', 'quarantine', 'state'];
const QUEUES = ['jobs', 'validate', 'metadata'];

let aws: S3Double;
let stack: Server;

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

beforeAll(async () => {
  aws = await startS3();
  const names: [string, string][] = [];
  for (const bucket of BUCKETS) {
    aws.createBucket(bucket);
    names.push([`${capital(bucket)}Bucket`, bucket]);
  }
  for (const queue of QUEUES) names.push([`${capital(queue)}Queue`, aws.createQueue(queue)]);
  stack = createServer((_, response) => {
    response.setHeader('content-type', 'text/xml').end(stackResources(names));
  });
  await new Promise<void>((resolve) => stack.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  stack.closeAllConnections();
  await new Promise((resolve) => stack.close(resolve));
  await aws.stop();
});

/** CloudFormation's answer to ListStackResources. */
function stackResources(names: [string, string][]): string {
  const members = names.map(
    ([logical, physical]) =>
      `<member><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId></member>`,
  );
  return `<ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ListStackResourcesResult><StackResourceSummaries>${members.join('')}</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>`;
}

async function invokeLocal(request: unknown): Promise<{ code: number; stdout: string }> {
  const args = ['invoke', 'local', '-f', 'run', '-d', JSON.stringify(request)];
  const env = {
    ...aws.env,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${(stack.address() as AddressInfo).port}`,
    LONGSHORE_BUILD_FOLDER: '.esbuild/invoke-test',
    // The log lines would stand before the answer.
    POWERTOOLS_METRICS_DISABLED: 'true',
  };
  try {
    const { stdout } = await promisify(execFile)('serverless', args, { cwd: root, env, timeout: 120_000 });
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, stdout };
  }
}

/** The answer is printed last, over several lines. */
const answerIn = (stdout: string): unknown => JSON.parse(stdout.slice(stdout.lastIndexOf('\n{\n') + 1));

test('accepts a job and answers with it', async () => {
  const request = { task: 'osm-mapsforge', params: { area: 'europe/monaco', mirror: 'http://127.0.0.1:9' } };
  const { code, stdout } = await invokeLocal(request);
  expect(answerIn(stdout)).toMatchObject({ job: expect.stringMatching(/^osm-mapsforge-/), state: 'waiting' });
  expect(code).toBe(0);
}, 180_000);

test('ends with 1 and the reason when the request is wrong', async () => {
  const { code, stdout } = await invokeLocal({ tsak: 'osm-mapsforge' });
  expect(answerIn(stdout)).toMatchObject({ errorType: 'BadRequestError' });
  expect(code).toBe(1);
}, 180_000);
