/**
 * The command with `--backend aws`: it finds the stack by its outputs (a stand-in for CloudFormation), and works over S3 and
 * SQS in process. The Lambdas and ECS are not there; tests/aws has them.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { RunResult } from '../../cli/run-result.ts';
import { SqsQueue } from '../../lib/aws/sqs-queue.ts';
import type { Status } from '../../lib/pipeline/status.ts';
import { writeMirror } from '../../scripts/sample/mirror.ts';
import { startCloudFormation, type CloudFormationDouble } from '../doubles/cloudformation.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';
import { startLongshore, type Ended } from '../tools/command.ts';

jest.setTimeout(120_000);

let aws: S3Double;
let stacks: CloudFormationDouble;
let folder: string;
let file: string;
let queueUrl: string;
let env: Record<string, string>;

const onAws = async (...args: string[]): Promise<Ended> =>
  await startLongshore([...args, '--backend', 'aws'], env).ended;

beforeAll(async () => {
  aws = await startS3();
  for (const bucket of ['uploads', 'output', 'quarantine', 'state']) aws.createBucket(bucket);
  queueUrl = aws.createQueue('wake');
  const names = {
    UploadsBucketName: 'uploads',
    OutputBucketName: 'output',
    QuarantineBucketName: 'quarantine',
    StateBucketName: 'state',
    JobsQueueUrl: aws.createQueue('jobs'),
    WakeQueueUrl: queueUrl,
    ValidateQueueUrl: aws.createQueue('validate'),
    MetadataQueueUrl: aws.createQueue('metadata'),
    ClusterName: 'longshore-test',
    TaskFamilyPrefix: 'longshore-test-',
    Subnets: 'subnet-1,subnet-2',
    SecurityGroups: 'sg-1',
    AssignPublicIp: 'true',
    LogGroupPrefix: '/longshore/test/',
  };
  const settings = {
    LONGSHORE_MAX_TASKS: '2',
    LONGSHORE_LIMITS: '',
    LONGSHORE_ARCHITECTURE: 'x86_64',
    LONGSHORE_SPOT: 'true',
    LONGSHORE_STEP_TIMEOUT: '300',
  };
  const outputs = { ...names, Settings: JSON.stringify(settings) };
  const { JobsQueueUrl: _, ...older } = outputs;
  stacks = await startCloudFormation({
    'longshore-test': { outputs },
    'longshore-older': { outputs: older },
    'longshore-begun': { status: 'CREATE_IN_PROGRESS' },
  });
  env = {
    ...aws.env,
    AWS_ENDPOINT_URL_CLOUDFORMATION: stacks.endpoint,
    LONGSHORE_STAGE: 'test',
    // Only what is asked here answers.
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_MAX_ATTEMPTS: '1',
  };
  folder = await mkdtemp(join(tmpdir(), 'longshore-cli-aws-'));
  file = join(folder, 'brack.osm.pbf');
  const [extract] = await writeMirror(join(folder, 'mirror'));
  await copyFile(extract!, file);
});

afterAll(async () => {
  await stacks.stop();
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
});

test('drop puts the file in the bucket, below its task', async () => {
  const ended = await onAws('drop', file, '--task', 'osm-mapsforge', '--json');
  expect(ended).toMatchObject({ code: 0 });
  expect(JSON.parse(ended.stdout)).toMatchObject([{ uri: 's3://uploads/osm-mapsforge/brack.osm.pbf' }]);
});

test('the next step is told for the same stack', async () => {
  const { stderr } = await onAws('drop', file, '--task', 'osm-mapsforge', '--region', 'us-east-1');
  expect(stderr).toContain('longshore status --backend aws --region us-east-1');
  const { LONGSHORE_STAGE: _, ...rest } = env;
  const args = ['drop', file, '--task', 'osm-mapsforge', '--stage', 'test', '--backend', 'aws'];
  const elsewhere = await startLongshore(args, { ...rest, LONGSHORE_STAGE: undefined }).ended;
  expect(elsewhere.stderr).toContain('longshore status --backend aws --stage test');
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

interface Found {
  verdict: string;
  what: string;
  detail: string;
}

test('doctor finds account, stack and buckets', async () => {
  const ended = await onAws('doctor', '--json');
  const findings = JSON.parse(ended.stdout) as Found[];
  const here = findings.filter(({ what }) => !/^(task definition|image|Fargate|Lambda)/.test(what));
  expect(here.filter(({ verdict }) => verdict !== 'good')).toEqual([]);
  expect(here.map(({ what }) => what)).toEqual([
    'region',
    'credentials',
    'stack',
    'bucket for uploads',
    'bucket for output',
    'bucket for quarantine',
    'bucket for staging',
    'network',
  ]);
});

test.each([
  ['nowhere', /There is no stack longshore-nowhere in us-east-1: deploy it/],
  ['older', /The stack longshore-older has no output JobsQueueUrl: another version of longshore/],
  ['begun', /The stack longshore-begun has no output UploadsBucketName.*it is CREATE_IN_PROGRESS/],
])('a stack that is %s cannot be used, and every verb says why', async (stage, why) => {
  const ended = await onAws('status', '--stage', stage);
  expect(ended).toMatchObject({ code: 3, stdout: '' });
  expect(ended.stderr).toMatch(why);
  const doctor = await onAws('doctor', '--stage', stage);
  expect(doctor.code).toBe(3);
  expect(doctor.stdout).toMatch(new RegExp(`✗ stack: ${why.source}`));
});

test('variables that are set win over the stack; when all are set, it is not asked', async () => {
  const all = {
    ...env,
    AWS_ENDPOINT_URL_CLOUDFORMATION: 'http://127.0.0.1:9',
    LONGSHORE_UPLOADS_BUCKET: 'uploads',
    LONGSHORE_OUTPUT_BUCKET: 'output',
    LONGSHORE_QUARANTINE_BUCKET: 'quarantine',
    LONGSHORE_STATE_BUCKET: 'state',
    LONGSHORE_JOBS_QUEUE: queueUrl,
    LONGSHORE_WAKE_QUEUE: queueUrl,
    LONGSHORE_VALIDATE_QUEUE: queueUrl,
    LONGSHORE_METADATA_QUEUE: queueUrl,
    LONGSHORE_MAX_TASKS: '2',
    LONGSHORE_LIMITS: '',
    LONGSHORE_ARCHITECTURE: 'x86_64',
    LONGSHORE_SPOT: 'true',
    LONGSHORE_STEP_TIMEOUT: '300',
  };
  expect(await startLongshore(['status', '--backend', 'aws'], all).ended).toMatchObject({ code: 0 });
  const wrong = { ...env, LONGSHORE_MAX_TASKS: 'many' };
  const ended = await startLongshore(['status', '--backend', 'aws'], wrong).ended;
  expect(ended.code).toBe(3);
  expect(ended.stderr).toMatch(/LONGSHORE_MAX_TASKS is "many"/);
});
