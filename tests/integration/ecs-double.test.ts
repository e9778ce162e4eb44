/** The ECS double with real containers: what Fargate gives a task's containers, and what it tells of them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import { loadEngineEnv } from '../../cli/engine-env.mjs';
import { fastClock } from '../doubles/ecs/clock.ts';
import { ask, engineKind } from '../doubles/ecs/hosts/engine-command.ts';
import { bench, definition, ends, steps, type Bench } from '../unit/ecs-double/support.ts';

const volume = { mountPoints: [{ sourceVolume: 'shared', containerPath: '/shared' }] };
const shell = { image: 'debian:bookworm-slim', entryPoint: ['sh', '-c'], ...volume };
const sizes = 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null';

const [stageIn, main, stageOut] = steps;
const family = {
  ...definition([
    {
      ...stageIn,
      ...shell,
      command: ['echo hello > /shared/greeting; chmod 644 /shared/greeting; exit ${IN:-0}'],
    },
    {
      ...main,
      ...shell,
      user: '1000:1000',
      readonlyRootFilesystem: true,
      stopTimeout: 2,
      environment: [{ name: 'WHAT', value: 'nothing' }],
      command: [
        `cat /shared/greeting; id -u; ${sizes}; touch /tmp/x || echo read-only; echo "$EXTRA"; $WHAT`,
      ],
    },
    { ...stageOut, ...shell, command: ['echo "$ECS_CONTAINER_METADATA_URI_V4"'] },
  ]),
  volumes: [{ name: 'shared' }],
};

let one: Bench;
const lines: string[] = [];

beforeAll(async () => {
  loadEngineEnv(process.env);
  one = await bench({
    taskDefinitions: [
      family,
      definition([{ ...shell, name: 'only', mountPoints: [], image: 'no/such:image' }], 'missing'),
    ],
    containers: 'engine',
    clock: fastClock(),
    engine: {
      environment: { EXTRA: 'from the double' },
      onLog: ({ container, line }) => void lines.push(`${container}: ${line}`),
    },
  });
}, 60_000);
afterAll(async () => await one.stop());

const doing = (WHAT: string, IN = '0') => ({
  overrides: {
    containerOverrides: [
      { name: 'in', environment: [{ name: 'IN', value: IN }] },
      { name: 'main', environment: [{ name: 'WHAT', value: WHAT }] },
    ],
  },
});

async function logged(
  changes: Parameters<Bench['carryOut']>[0],
): Promise<{ task: Awaited<ReturnType<Bench['carryOut']>>; log: string[] }> {
  lines.length = 0;
  return { task: await one.carryOut(changes), log: [...lines] };
}

test('containers share their volume, run as their user on a read-only root, within the task’s memory', async () => {
  const { task, log } = await logged(doing('exit 65'));
  expect(ends(task)).toBe('in:0 main:65 out:0');
  expect(log).toEqual(
    expect.arrayContaining([
      'main: hello',
      'main: 1000',
      `main: ${512 * 1024 * 1024}`,
      'main: read-only',
      'main: from the double',
    ]),
  );
  expect(task.containers?.[1]?.imageDigest).toMatch(/^sha256:/);
}, 120_000);

test('the task metadata endpoint answers the containers', async () => {
  const { log } = await logged(doing('true'));
  const uri = log.find((line) => line.startsWith('out: '))?.slice('out: '.length) ?? '';
  const task = (await (await fetch(`${uri}/task`)).json()) as {
    Containers: { Name: string; ImageID: string }[];
  };
  expect(task.Containers.map(({ Name }) => Name)).toEqual(['in', 'main', 'out']);
  expect(task.Containers[1]?.ImageID).toMatch(/^sha256:/);
}, 120_000);

test('a container that the kernel killed for memory says so', async () => {
  const { task } = await logged(doing('tail /dev/zero'));
  expect(ends(task)).toBe('in:0 main:137 out:0');
  expect(task.containers?.[1]?.reason).toMatch(/^OutOfMemoryError/);
}, 120_000);

test('a first container that fails keeps the others from starting', async () => {
  const { task } = await logged(doing('true', '1'));
  expect(ends(task)).toBe('in:1 main:143 out:143');
  expect(task.stopCode).toBe('TaskFailedToStart');
}, 120_000);

test('an image that is not there is a CannotPullContainerError', async () => {
  const { task } = await logged({ taskDefinition: 'missing' });
  expect(task).toMatchObject({
    stopCode: 'TaskFailedToStart',
    stoppedReason: expect.stringMatching(/^CannotPullContainerError: .*no\/such:image/),
  });
}, 120_000);

test('a task is stopped, the deaf one by SIGKILL, and nothing of it stays behind', async () => {
  const taskArn = await one.run(doing('sleep 300'));
  while (one.ecs.state.tasks.get(taskArn)?.containers[1]?.lastStatus !== 'RUNNING') {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await one.client.send(new StopTaskCommand({ cluster: 'cluster', task: taskArn, reason: 'enough' }));
  await one.ecs.idle();
  expect(ends(await one.describe(taskArn))).toBe('in:0 main:137 out');
  const id = taskArn.slice(-32);
  const kind = await engineKind();
  for (const what of [
    ['ps', '--all'],
    ['volume', 'ls'],
  ]) {
    const left = await ask(kind, [...what, '--quiet', `--filter=name=ecs-${id.slice(0, 12)}`]);
    expect(left).toMatchObject({ exitCode: 0, stdout: '' });
  }
}, 120_000);
