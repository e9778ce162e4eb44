/**
 * A pack on Fargate, step by step: the runner's RunTask against our ECS, then stage-in, main and stage-out by the programs and
 * the entry point that they have there, each a process of its own on a shared folder.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ECSClient, type RegisterTaskDefinitionRequest, type RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { buildImage, STAGE } from '../../cli/images.ts';
import { EcsRunner } from '../../lib/aws/ecs-runner.ts';
import { S3Store } from '../../lib/aws/s3-store.ts';
import { STAGE_IMAGE, START, taskResources, VOLUME } from '../../lib/aws/task-definition.ts';
import { findEngine } from '../../lib/local/engine.ts';
import { AttemptRecord, stagingKeys } from '../../lib/pipeline/attempt-record.ts';
import type { Launch, LaunchMember } from '../../lib/ports.ts';
import { SHELL_IMAGE, shellTask } from '../contract/support/shell-task.ts';
import { fromCloudFormation } from '../doubles/ecs/from-cloudformation.ts';
import { startEcs, startEcsDouble, type EcsDouble } from '../doubles/ecs/server.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

let aws: S3Double;
let ecs: EcsDouble;
let uploads: S3Store;
let staging: S3Store;
let runner: EcsRunner;
let folder: string;
let volume: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-fargate-packs-'));
  aws = await startS3();
  for (const bucket of ['uploads', 'state']) aws.createBucket(bucket);
  uploads = new S3Store({ client: aws.s3, bucket: 'uploads' });
  staging = new S3Store({ client: aws.s3, bucket: 'state', prefix: 'staging/' });
  ecs = await startEcs({
    clusters: ['longshore-test'],
    families: { 'longshore-test-does': ['stage-in', 'main', 'stage-out'] },
  });
  runner = runnerAt(ecs.endpoint);
});
afterAll(async () => {
  await ecs.stop();
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  count += 1;
  volume = join(folder, String(count));
});

function runnerAt(endpoint: string): EcsRunner {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new ECSClient({ region: 'us-east-1', endpoint, credentials });
  return new EcsRunner({
    client,
    launcher: client,
    cluster: 'longshore-test',
    subnets: ['subnet-1'],
    securityGroups: ['sg-1'],
    assignPublicIp: true,
    taskDefinition: (task) => `longshore-test-${task}`,
    staging,
  });
}

const member = (index: number, does: string, more: Partial<LaunchMember> = {}): LaunchMember => ({
  job: `does-${count}-${index}`,
  attempt: 1,
  env: { DOES: does, LONGSHORE_JOB: `does-${count}-${index}` },
  inputs: [],
  deadlineSeconds: 60,
  ...more,
});
const packOf = (members: LaunchMember[]): Launch => ({
  id: `pack/does-${String(count).padStart(12, '0')}`,
  run: 'run-1',
  task: 'does',
  size: { vcpu: 1, memoryMiB: 2048, diskGiB: 20 },
  spot: true,
  members,
  deadlineSeconds: 600,
});

async function inputOf(key: string, content: string): Promise<LaunchMember['inputs']> {
  const { bytes, etag } = await uploads.put(key, content);
  return [{ key, name: 'input.txt', bytes, etag }];
}

async function run(file: string, args: string[], env: Record<string, string>): Promise<number> {
  return await new Promise((resolve) => {
    execFile(file, args, { env: { PATH: process.env['PATH'] ?? '', ...env } }, (error) =>
      resolve(error ? Number(error.code) : 0),
    );
  });
}

/** What RunTask started, container after container. Exit codes of those that ran. */
async function carryOut(launch: Launch): Promise<Record<string, number>> {
  expect(await runner.launch(launch)).toMatchObject({ outcome: 'started' });
  // Again, by a dispatcher that knows of fewer: the same task, with all of them.
  expect(await runner.launch({ ...launch, members: launch.members.slice(1) })).toMatchObject({
    outcome: 'started',
  });
  const asked = ecs.state.calls.findLast(({ action }) => action === 'RunTask')
    ?.input as unknown as RunTaskCommandInput;
  const [{ environment = [] } = {}] = asked.overrides?.containerOverrides ?? [];
  const env = {
    ...aws.env,
    ...Object.fromEntries(environment.map(({ name = '', value = '' }) => [name, value])),
    LONGSHORE_UPLOADS_BUCKET: 'uploads',
    LONGSHORE_STATE_BUCKET: 'state',
    LONGSHORE_VOLUME: volume,
  };
  const stage = async (step: string): Promise<number> =>
    await run(process.execPath, [join(root, `containers/stage/${step}.ts`)], env);
  const codes: Record<string, number> = { 'stage-in': await stage('stage-in') };
  if (codes['stage-in'] !== 0) return codes;
  const start = START.replaceAll(VOLUME, volume);
  codes['main'] = await run('sh', ['-c', start, 'longshore', 'sh', '-c', 'eval "$DOES"', 'sh'], {
    TMPDIR: `${volume}/tmp`,
    LONGSHORE_CGROUP: '',
  });
  codes['stage-out'] = await stage('stage-out');
  return codes;
}

const recordOf = async ({ job }: LaunchMember): Promise<AttemptRecord> =>
  AttemptRecord.parse(JSON.parse(await text(await staging.get(stagingKeys.record(job, 1)))));

describe('a pack on Fargate', () => {
  test('is one task, in which each job has its own folders, end, outputs and attempt record', async () => {
    const members = [
      member(0, 'cat "$1/input.txt" >"$2/out"; echo x >"$TMPDIR/x"', { inputs: await inputOf('a', 'first') }),
      member(1, 'echo "no header" >&2; exit 65'),
      member(2, 'true', { inputs: [{ key: 'none', name: 'input.txt', bytes: 1, etag: 'x' }] }),
      member(3, 'exec sleep 600', { deadlineSeconds: 1 }),
      member(4, 'cat "$1/input.txt" >"$2/out"; ls -A "$TMPDIR" >"$2/tmp"', {
        inputs: await inputOf('b', 'last'),
      }),
    ];
    const launch = packOf(members);
    const before = ecs.state.tasks.size;
    expect(await carryOut(launch)).toEqual({ 'stage-in': 0, main: 0, 'stage-out': 0 });
    expect(await runner.launch({ ...launch, members: members.slice(1) })).toMatchObject({
      outcome: 'started',
    });
    expect(ecs.state.tasks.size).toBe(before + 1);
    const [task] = [...ecs.state.tasks.values()].slice(before);
    expect(task?.startedBy).toBe(`longshore/${launch.id}`);
    expect(await runner.describe([task?.taskArn ?? ''])).toMatchObject([{ launch: launch.id }]);

    const records = await Promise.all(members.map(recordOf));
    expect(records.map(({ exit }) => exit?.exitCode)).toEqual([0, 65, undefined, 143, 0]);
    expect(records.map(({ begunAt }) => begunAt !== undefined)).toEqual([true, true, false, true, true]);
    expect(records[1]?.exit?.lastLine).toBe('no header');
    expect(records[2]?.stageIn).toMatchObject({ cause: 'input-missing' });
    expect(records[3]?.exit?.deadline).toBe(true);
    const output = async (index: number, name: string): Promise<string> =>
      await text(await staging.get(stagingKeys.output(members[index]!.job, 1, name)));
    expect(await output(0, 'out')).toBe('first');
    expect(await output(4, 'out')).toBe('last');
    expect(await output(4, 'tmp')).toBe('');
    expect(await text(await staging.get(stagingKeys.log(members[1]!.job, 1)))).toContain('no header');
  }, 60_000);

  test('none of whose inputs are there does not start main, and each job has its record', async () => {
    const inputs = [{ key: 'none', name: 'input.txt', bytes: 1, etag: 'x' }];
    const members = [member(0, 'true', { inputs }), member(1, 'true', { inputs })];
    expect(await carryOut(packOf(members))).toEqual({ 'stage-in': 1 });
    for (const one of members)
      expect((await recordOf(one)).stageIn).toMatchObject({ cause: 'input-missing' });
  }, 60_000);

  test('of a hundred jobs with large parameters fits into RunTask', async () => {
    const members = Array.from({ length: 100 }, (_, index) =>
      member(index, 'true', { env: { TAGS: 'x'.repeat(10_000) } }),
    );
    expect(await runner.launch(packOf(members))).toMatchObject({ outcome: 'started' });
  });
});

const { engine } = await findEngine();

/** The task definition of `does`, as the stack has it. */
function definitionOf(): RegisterTaskDefinitionRequest {
  const resources = taskResources([shellTask('does', 'eval "$DOES"')], {
    service: 'longshore',
    stage: 'test',
    registry: 'registry.test',
    imageTag: 'latest',
    architecture: 'x86_64',
    logRetentionInDays: 1,
    pushed: {},
  });
  const values: Record<string, string> = { UploadsBucket: 'uploads', StateBucket: 'state' };
  return fromCloudFormation(resources['DoesTask']?.Properties, ({ Ref }) => values[String(Ref)] ?? 'none');
}

(engine ? describe : describe.skip)('a pack on Fargate, in real containers', () => {
  let fargate: EcsDouble;
  let there: EcsRunner;
  beforeAll(async () => {
    await buildImage(engine!, STAGE, { stdio: 'ignore' });
    fargate = await startEcsDouble({
      clusters: ['longshore-test'],
      taskDefinitions: [definitionOf()],
      containers: 'engine',
      engine: {
        environment: aws.env,
        image: (uri) => (uri.includes(STAGE_IMAGE) ? `${STAGE_IMAGE}:latest` : SHELL_IMAGE),
      },
    });
    there = runnerAt(fargate.endpoint);
  }, 240_000);
  afterAll(async () => {
    await fargate.stop();
  }, 60_000);

  test('it is the task definition that gives each job its turn, as nobody, with a read-only root', async () => {
    const members = [
      member(
        0,
        'cat "$1/input.txt" >"$2/out"; id -u >>"$2/out"; sleep 600 & echo x >"$TMPDIR/x"; echo x >/tmp/x',
        {
          inputs: await inputOf('c', 'first\n'),
        },
      ),
      member(1, 'tail /dev/zero'),
      member(2, 'exec sleep 600', { deadlineSeconds: 1 }),
      member(
        3,
        'ls -A "$TMPDIR" >"$2/out"; ls -A /tmp >>"$2/out"; cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "[s]leep 600" >>"$2/out"; touch /x 2>>"$2/out" || true',
      ),
    ];
    const outcome = await there.launch({
      ...packOf(members),
      size: { vcpu: 0.25, memoryMiB: 512, diskGiB: 20 },
    });
    expect(outcome).toMatchObject({ outcome: 'started' });
    await fargate.idle();
    const ref = outcome.outcome === 'started' ? outcome.ref : '';
    expect(await there.describe([ref])).toMatchObject([
      { status: 'stopped', stopCode: 'EssentialContainerExited', exitCode: 0 },
    ]);
    const records = await Promise.all(members.map(recordOf));
    expect(records.map(({ exit }) => exit?.exitCode)).toEqual([0, 137, 143, 0]);
    // RUNNING while its jobs were at work: what is PENDING for three hours is stopped.
    const [state] = await there.describe([ref]);
    expect(state?.startedAt).toBeLessThan(records[2]?.exit?.endedAt ?? 0);
    expect(records[2]?.exit?.deadline).toBe(true);
    expect(await text(await staging.get(stagingKeys.output(members[0]!.job, 1, 'out')))).toBe(
      'first\n1000\n',
    );
    // Nothing in its scratch folder, and of the others' sleeps nothing is left.
    const seen = await text(await staging.get(stagingKeys.output(members[3]!.job, 1, 'out')));
    expect(seen).toMatch(/^0\n.*Read-only file system\n$/);
  }, 120_000);

  test('stage-out tells of main, whether that is over at once, killed from outside, or stopped with the task', async () => {
    const size = { vcpu: 0.25, memoryMiB: 512, diskGiB: 20 };
    const alone = async (index: number, does: string): Promise<{ one: LaunchMember; ref: string }> => {
      const one = member(index, does);
      const outcome = await there.launch({ ...packOf([one]), id: `${one.job}/1`, size });
      return { one, ref: outcome.outcome === 'started' ? outcome.ref : 'none' };
    };
    const launched = [
      await alone(0, 'echo quick >&2'),
      await alone(1, 'echo begun >&2; exec sleep 600'),
      await alone(2, 'echo begun >&2; exec sleep 600'),
    ];
    const [killed, stopped] = launched.slice(1).map(({ ref }) => ref) as [string, string];
    for (const ref of [killed, stopped]) {
      while ((await there.describe([ref]))[0]?.status !== 'running') await sleep(200);
    }
    // Until their shells have come to their commands.
    await sleep(3000);
    const main = fargate.state.tasks.get(killed)?.containers.find(({ name }) => name === 'main');
    await run(engine!.kind, ['kill', main?.runtimeId ?? ''], process.env as Record<string, string>);
    await there.stop(stopped, 'enough');
    await fargate.idle();
    const records = await Promise.all(launched.map(async ({ one }) => await recordOf(one)));
    expect(records.map(({ exit }) => exit?.exitCode)).toEqual([0, undefined, 143]);
    expect(records[2]?.exit?.lastLine).toBe('begun');
    expect(await there.describe(launched.map(({ ref }) => ref))).toMatchObject([
      { stopCode: 'EssentialContainerExited', exitCode: 0 },
      { stopCode: 'EssentialContainerExited', exitCode: 137 },
      { stopCode: 'UserInitiated', exitCode: 143 },
    ]);
  }, 120_000);
});
