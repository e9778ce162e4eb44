/** The ECS runner against a double that speaks ECS's wire protocol. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ECSClient, type RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { text } from 'node:stream/consumers';
import { clientToken, EcsRunner } from '../../lib/aws/ecs-runner.ts';
import { LaunchSpec, launchSpecKey } from '../../lib/aws/launch-spec.ts';
import { S3Store } from '../../lib/aws/s3-store.ts';
import type { Launch, LaunchMember } from '../../lib/ports.ts';
import { client, EcsError, invalid } from '../doubles/ecs/errors.ts';

import { startEcs, type EcsDouble } from '../doubles/ecs/server.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';

let ecs: EcsDouble;
let aws: S3Double;
let staging: S3Store;
let runner: EcsRunner;
let count = 0;

beforeAll(async () => {
  aws = await startS3();
  aws.createBucket('state');
  staging = new S3Store({ client: aws.s3, bucket: 'state', prefix: 'staging/' });
  ecs = await startEcs({
    clusters: ['longshore-test'],
    families: { 'longshore-test-example': ['stage-in', 'main', 'stage-out'] },
  });
  const config = {
    region: 'us-east-1',
    endpoint: ecs.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  runner = new EcsRunner({
    client: new ECSClient(config),
    launcher: new ECSClient({ ...config, maxAttempts: 1 }),
    cluster: 'longshore-test',
    subnets: ['subnet-1', 'subnet-2'],
    securityGroups: ['sg-1'],
    assignPublicIp: true,
    taskDefinition: (task) => `longshore-test-${task}`,
    staging,
  });
});
afterAll(async () => {
  await ecs.stop();
  await aws.stop();
});
beforeEach(() => {
  count += 1;
});

const launchOf = (changes: Partial<Launch> = {}, member: Partial<LaunchMember> = {}): Launch => ({
  id: `example-europe-monaco-${count}/1`,
  run: 'run-1',
  task: 'example',
  size: { vcpu: 2, memoryMiB: 4096, diskGiB: 20 },
  spot: true,
  members: [
    {
      job: `example-europe-monaco-${count}`,
      attempt: 1,
      env: { AREA: 'europe/monaco', LONGSHORE_NAME: 'europe/monaco' },
      inputs: [],
      deadlineSeconds: 3600,
      ...member,
    },
  ],
  deadlineSeconds: 3600,
  ...changes,
});

const lastRunTask = (): RunTaskCommandInput =>
  ecs.state.calls.findLast(({ action }) => action === 'RunTask')?.input as unknown as RunTaskCommandInput;

async function started(launch: Launch = launchOf()): Promise<string> {
  const outcome = await runner.launch(launch);
  if (outcome.outcome !== 'started') throw new Error(`Not started: ${JSON.stringify(outcome)}`);
  return outcome.ref;
}

describe('launch', () => {
  test('asks for size, Spot, network, and tells who asks', async () => {
    const ref = await started(launchOf({ size: { vcpu: 0.5, memoryMiB: 1024, diskGiB: 50 } }));
    expect(ref).toMatch(/^arn:aws:ecs:.*:task\/longshore-test\//);
    expect(lastRunTask()).toMatchObject({
      cluster: 'longshore-test',
      taskDefinition: 'longshore-test-example',
      count: 1,
      startedBy: `longshore/example-europe-monaco-${count}/1`,
      capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: ['subnet-1', 'subnet-2'],
          securityGroups: ['sg-1'],
          assignPublicIp: 'ENABLED',
        },
      },
      overrides: { cpu: '512', memory: '1024', ephemeralStorage: { sizeInGiB: 50 } },
    });
  });

  test('does not ask for the free disk, and not for Spot when that is not wanted', async () => {
    await started(launchOf({ spot: false }));
    expect(lastRunTask().overrides?.ephemeralStorage).toBeUndefined();
    expect(lastRunTask().capacityProviderStrategy).toEqual([{ capacityProvider: 'FARGATE', weight: 1 }]);
  });

  test('parameters of any size travel in the staging store, ids alone in the overrides', async () => {
    const launch = launchOf({}, { env: { TAGS: 'x'.repeat(100_000) } });
    await started(launch);
    expect(JSON.stringify(lastRunTask().overrides).length).toBeLessThan(1000);
    const spec = await text(await staging.get(launchSpecKey(launch.id)));
    expect(LaunchSpec.parse(JSON.parse(spec)).members).toEqual(launch.members);
  });

  test('the same attempt is started once, another attempt is another task', async () => {
    const launch = launchOf();
    const first = await started(launch);
    expect(await started(launch)).toBe(first);
    expect(await started({ ...launch, id: launch.id.replace(/1$/, '2') })).not.toBe(first);
    expect(clientToken(launch.id)).toHaveLength(64);
  });

  test('a task that another dispatcher started with other settings is found, not started again', async () => {
    const launch = launchOf();
    const first = await started(launch);
    expect(await started({ ...launch, spot: false })).toBe(first);
  });

  test('an answer that got lost is no second task, and the task is found', async () => {
    const before = ecs.state.tasks.size;
    ecs.refuse({ loseAnswer: true });
    await started();
    expect(ecs.state.tasks.size).toBe(before + 1);
  });

  test('a throttle after an answer that got lost says nothing: the task may run', async () => {
    const launch = launchOf();
    const before = ecs.state.tasks.size;
    ecs.refuse({ loseAnswer: true }, { error: invalid('Rate exceeded') });
    await expect(runner.launch(launch)).rejects.toThrow(/socket hang up|ECONNRESET/);
    await started(launch);
    expect(ecs.state.tasks.size).toBe(before + 1);
  });
});

describe('refusals', () => {
  const waits: [string, Parameters<EcsDouble['refuse']>[0]][] = [
    ['a throttle', { error: new EcsError('ThrottlingException', 'Rate exceeded') }],
    ['a throttle dressed as InvalidParameterException', { error: invalid('Rate exceeded for RunTask') }],
    ['a throttle dressed as ClientException', { error: client('Too many concurrent attempts') }],
    [
      'the vCPU quota',
      {
        error: new EcsError(
          'LimitExceededException',
          "You've reached the limit on the number of vCPUs you can run concurrently",
        ),
      },
    ],
    [
      'the vCPU quota dressed as ClientException',
      { error: client("You've reached the limit on the number of vCPUs you can run concurrently") },
    ],
    ['no room for the memory, with HTTP 200', { failures: [{ reason: 'RESOURCE:MEMORY' }] }],
    [
      'no Spot capacity, with HTTP 200',
      { failures: [{ reason: 'Capacity is unavailable at this time. Please try again later' }] },
    ],
    ['no task and no failure at all', { failures: [] }],
  ];
  test.each(waits)('%s is a wait', async (_, refusal) => {
    ecs.refuse(refusal);
    const outcome = await runner.launch(launchOf());
    expect(outcome).toMatchObject({ outcome: 'wait', retryAfterSeconds: expect.any(Number) });
    // And the very same attempt starts afterwards.
    await started(launchOf());
  });

  const finals: [string, Parameters<EcsDouble['refuse']>[0] | undefined, Partial<Launch>, RegExp][] = [
    [
      'a right that is missing',
      { error: new EcsError('AccessDeniedException', 'User is not authorized to perform: ecs:RunTask') },
      {},
      /AccessDeniedException: User is not authorized/,
    ],
    ['a task definition that is missing', undefined, { task: 'nothing' }, /Unable to find task definition/],
    [
      'a size that Fargate has not',
      undefined,
      { size: { vcpu: 1, memoryMiB: 100, diskGiB: 20 } },
      /No Fargate configuration exists/,
    ],
    [
      'a cluster that is gone',
      { error: new EcsError('ClusterNotFoundException', 'Cluster not found.') },
      {},
      /Cluster not found/,
    ],
  ];
  test.each(finals)('%s is refused, with its reason', async (_, refusal, changes, reason) => {
    if (refusal) ecs.refuse(refusal);
    const outcome = await runner.launch(launchOf(changes));
    expect(outcome).toEqual({ outcome: 'refused', reason: expect.stringMatching(reason) });
  });

  test('an error that does not tell whether the task was started is thrown', async () => {
    const broken = { error: new EcsError('ServerException', 'Something broke', { status: 500 }) };
    ecs.refuse(broken, broken);
    await expect(runner.launch(launchOf())).rejects.toThrow('Something broke');
  });
});

describe('states', () => {
  test('tells the life of a task', async () => {
    const ref = await started();
    const launch = `example-europe-monaco-${count}/1`;
    const begin = Math.floor(Date.now() / 1000);
    expect(await runner.describe([ref])).toEqual([{ ref, launch, status: 'pending' }]);
    ecs.change(ref, { lastStatus: 'RUNNING', pullStartedAt: begin, startedAt: begin + 10.5 });
    const times = { pullStartedAt: begin * 1000, startedAt: begin * 1000 + 10_500 };
    expect(await runner.describe([ref])).toEqual([{ ref, launch, status: 'running', ...times }]);
    ecs.change(ref, { lastStatus: 'DEPROVISIONING' });
    expect(await runner.describe([ref])).toMatchObject([{ status: 'running' }]);
    ecs.change(ref, {
      lastStatus: 'STOPPED',
      stoppedAt: begin + 100,
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [
        { name: 'stage-in', lastStatus: 'STOPPED', exitCode: 0 },
        {
          name: 'main',
          lastStatus: 'STOPPED',
          exitCode: 137,
          reason: 'OutOfMemoryError: Container killed due to memory usage',
        },
        { name: 'stage-out', lastStatus: 'STOPPED', exitCode: 0 },
      ],
    });
    expect(await runner.describe([ref])).toEqual([
      {
        ref,
        launch,
        status: 'stopped',
        ...times,
        stoppedAt: (begin + 100) * 1000,
        stopCode: 'EssentialContainerExited',
        reason: 'Essential container in task exited; OutOfMemoryError: Container killed due to memory usage',
        exitCode: 137,
        outOfMemory: true,
      },
    ]);
  });

  test('asks for 100 at a time, and leaves out what ECS has forgotten', async () => {
    const ref = await started();
    const gone = Array.from({ length: 150 }, (_, n) => `arn:aws:ecs:us-east-1:0:task/longshore-test/${n}`);
    const before = ecs.state.calls.length;
    const states = await runner.describe([...gone, ref]);
    expect(states.map((state) => state.ref)).toEqual([ref]);
    expect(ecs.state.calls.slice(before).map(({ action }) => action)).toEqual([
      'DescribeTasks',
      'DescribeTasks',
    ]);
    expect(await runner.describe([])).toEqual([]);
  });
});

describe('stop', () => {
  test('stops the task with the reason, cut to what ECS takes', async () => {
    const ref = await started();
    await runner.stop(ref, `deadline ${'x'.repeat(300)}`);
    const task = ecs.state.tasks.get(ref);
    expect(task).toMatchObject({ desiredStatus: 'STOPPED', stopCode: 'UserInitiated' });
    expect(task?.stoppedReason).toHaveLength(255);
  });

  test('a task that is gone is no error, nor is cleaning', async () => {
    const ref = 'arn:aws:ecs:us-east-1:0:task/longshore-test/gone';
    await expect(runner.stop(ref, 'cancelled')).resolves.toBeUndefined();
    await expect(runner.clean()).resolves.toBeUndefined();
  });
});
