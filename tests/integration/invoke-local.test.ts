/**
 * `serverless invoke local -f run`, as a person calls it: the command asks CloudFormation for the stack's names (a stand-in
 * here), bundles the function, and runs it against S3 and SQS (fauxqs).
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCloudFormation, type CloudFormationDouble } from '../doubles/cloudformation.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const BUCKETS = ['uploads', 'output', 'quarantine', 'state'];
const QUEUES = ['jobs', 'wake', 'validate', 'metadata'];

let aws: S3Double;
let stack: CloudFormationDouble;

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

beforeAll(async () => {
  aws = await startS3();
  const resources: Record<string, string> = {};
  for (const bucket of BUCKETS) {
    aws.createBucket(bucket);
    resources[`${capital(bucket)}Bucket`] = bucket;
  }
  for (const queue of QUEUES) resources[`${capital(queue)}Queue`] = aws.createQueue(queue);
  stack = await startCloudFormation({ 'longshore-dev': { resources } });
});
afterAll(async () => {
  await stack.stop();
  await aws.stop();
});

async function invokeLocal(request: unknown): Promise<{ code: number; stdout: string }> {
  const args = ['invoke', 'local', '-f', 'run', '-d', JSON.stringify(request)];
  const env = {
    ...aws.env,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    AWS_ENDPOINT_URL_CLOUDFORMATION: stack.endpoint,
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
