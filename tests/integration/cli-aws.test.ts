/** The command with `--backend aws`, over S3 and SQS in process; the Lambdas and ECS are not there. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { RunResult } from '../../cli/run-result.ts';
import { SqsQueue } from '../../lib/aws/sqs-queue.ts';
import type { Status } from '../../lib/pipeline/status.ts';
import { writeMirror } from '../../scripts/sample/mirror.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';
import { startLongshore, type Ended } from '../tools/command.ts';

jest.setTimeout(120_000);

let aws: S3Double;
let folder: string;
let file: string;
let queueUrl: string;
let env: Record<string, string>;

const onAws = async (...args: string[]): Promise<Ended> =>
  await startLongshore([...args, '--backend', 'aws'], env).ended;

beforeAll(async () => {
  aws = await startS3();
  for (const bucket of ['uploads', 'output', 'quarantine', 'state']) aws.createBucket(bucket);
  queueUrl = aws.createQueue('jobs');
  env = {
    ...aws.env,
    LONGSHORE_UPLOADS_BUCKET: 'uploads',
    LONGSHORE_OUTPUT_BUCKET: 'output',
    LONGSHORE_QUARANTINE_BUCKET: 'quarantine',
    LONGSHORE_STATE_BUCKET: 'state',
    LONGSHORE_JOBS_QUEUE: queueUrl,
    LONGSHORE_VALIDATE_QUEUE: aws.createQueue('validate'),
    LONGSHORE_METADATA_QUEUE: aws.createQueue('metadata'),
    LONGSHORE_MAX_TASKS: '2',
    LONGSHORE_LIMITS: '',
    LONGSHORE_ARCHITECTURE: 'x86_64',
    LONGSHORE_SPOT: 'true',
    LONGSHORE_STEP_TIMEOUT: '300',
  };
  folder = await mkdtemp(join(tmpdir(), 'longshore-cli-aws-'));
  file = join(folder, 'brack.osm.pbf');
  const [extract] = await writeMirror(join(folder, 'mirror'));
  await copyFile(extract!, file);
});

afterAll(async () => {
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
});

test('drop puts the file in the bucket, below its task', async () => {
  const ended = await onAws('drop', file, '--task', 'osm-mapsforge', '--json');
  expect(ended).toMatchObject({ code: 0 });
  expect(JSON.parse(ended.stdout)).toMatchObject([{ uri: 's3://uploads/osm-mapsforge/brack.osm.pbf' }]);
});

test('run --no-wait records the job, brings its file, and wakes the dispatcher', async () => {
  const ended = await onAws('run', 'osm-mapsforge', file, '--run', 'mine', '--no-wait', '--json');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ended.stdout)).toMatchObject({ run: 'mine', state: 'waiting', attempts: 0, outputs: [] });
  const [message] = await new SqsQueue({ client: aws.sqs, url: queueUrl }).receive({ waitSeconds: 1 });
  expect(JSON.parse(message?.body ?? '{}')).toEqual({ kind: 'wake' });
  await message?.ack();

  const status = await onAws('status', 'mine', '--json');
  expect((JSON.parse(status.stdout) as Status).jobs).toMatchObject({ waiting: 1 });
});

test('Ctrl-C while waiting leaves the job to AWS; cancel ends it', async () => {
  const running = startLongshore(
    ['run', 'osm-mapsforge', file, '--run', 'left', '--json', '--backend', 'aws'],
    env,
  );
  while ((JSON.parse((await onAws('status', 'left', '--json')).stdout) as Status).jobs.waiting === 0);
  running.child.kill('SIGINT');
  const ended = await running.ended;
  expect(ended.code).toBe(130);
  const { job, state } = JSON.parse(ended.stdout) as RunResult;
  expect(state).toBe('waiting');

  expect(await onAws('cancel', job)).toMatchObject({ code: 0 });
  const { jobs } = JSON.parse((await onAws('status', 'left', '--json')).stdout) as Status;
  expect(jobs).toMatchObject({ waiting: 0, cancelled: 1 });
});

test('a bad parameter is recorded with its reason, and ends the wait', async () => {
  const ended = await onAws('run', 'osm-mapsforge', file, '--set', 'type=tape', '--json');
  expect(ended.code).toBe(1);
  expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'quarantined', cause: 'bad-parameter' });
});

test('doctor finds credentials, settings and buckets', async () => {
  const ended = await onAws('doctor', '--json');
  const findings = JSON.parse(ended.stdout) as { verdict: string; what: string }[];
  expect(findings.filter(({ verdict }) => verdict !== 'good')).toEqual([]);
  expect(findings.map(({ what }) => what)).toEqual(
    expect.arrayContaining(['region', 'credentials', 'settings', 'bucket for uploads', 'bucket for staging']),
  );
  expect(ended.code).toBe(0);
});

test('doctor says which settings are missing, and what to do', async () => {
  const { LONGSHORE_JOBS_QUEUE: _, ...rest } = env;
  const ended = await startLongshore(['doctor', '--backend', 'aws'], {
    ...rest,
    LONGSHORE_JOBS_QUEUE: undefined,
  }).ended;
  expect(ended.code).toBe(3);
  expect(ended.stdout).toMatch(/✗ settings: .*LONGSHORE_JOBS_QUEUE is not set/);
});
