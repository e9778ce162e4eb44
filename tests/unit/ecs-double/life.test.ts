/** The life of a task, with scripted containers and a fast clock. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import { fastClock } from '../../doubles/ecs/clock.ts';
import type { Script } from '../../doubles/ecs/hosts/scripted.ts';
import type { EcsOptions } from '../../doubles/ecs/options.ts';
import { bench, definition, ends, onSpot, steps, type Bench } from './support.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});
const start = async (containers: Script, options: EcsOptions = {}): Promise<Bench> =>
  (open = await bench({ containers, ...options }));

const seconds = (from: Date | undefined, to: Date | undefined): number =>
  ((to?.getTime() ?? Number.NaN) - (from?.getTime() ?? Number.NaN)) / 1000;

const long: Script = () => ({ containers: { main: { seconds: 4 * 3600 }, out: { seconds: 4 * 3600 } } });

describe('a task that succeeds', () => {
  test('goes through every state, its version growing with each change, and has every time', async () => {
    const { carryOut, events } = await start(() => ({
      pullSeconds: 10,
      containers: { main: { seconds: 60 }, out: { seconds: 20 } },
    }));
    const task = await carryOut({ startedBy: 'me', tags: [{ key: 'a', value: 'b' }] });
    expect(task).toMatchObject({
      lastStatus: 'STOPPED',
      desiredStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      startedBy: 'me',
      group: 'family:family',
      launchType: 'FARGATE',
      tags: [{ key: 'a', value: 'b' }],
    });
    expect(ends(task)).toBe('in:0 main:0 out:0');
    const states = events.map(({ detail }) => detail.lastStatus);
    expect(states.filter((state, at) => state !== states[at - 1])).toEqual([
      'PROVISIONING',
      'PENDING',
      'ACTIVATING',
      'RUNNING',
      'DEACTIVATING',
      'STOPPING',
      'DEPROVISIONING',
      'STOPPED',
    ]);
    expect(events.map(({ detail }) => detail.version)).toEqual(events.map((_, at) => at + 1));
    expect(task.version).toBe(events.length);
    expect(seconds(task.pullStartedAt, task.pullStoppedAt)).toBeGreaterThanOrEqual(10);
    const order = [
      task.createdAt,
      task.pullStartedAt,
      task.pullStoppedAt,
      task.startedAt,
      task.stoppingAt,
      task.executionStoppedAt,
      task.stoppedAt,
    ];
    expect(order).toEqual(order.toSorted((a, b) => (a?.getTime() ?? 0) - (b?.getTime() ?? 0)));
    expect(order).not.toContain(undefined);
  });

  test('is PENDING until its last container has started, as the agent has it', async () => {
    const { carryOut } = await start(() => ({
      containers: { main: { seconds: 100 }, out: { seconds: 10 } },
    }));
    const task = await carryOut();
    expect(seconds(task.pullStoppedAt, task.startedAt)).toBeGreaterThanOrEqual(100);
  });

  test('is stopped when a container has waited for three hours, whatever the others do', async () => {
    const { carryOut } = await start(long, { clock: fastClock(20_000) });
    expect(await carryOut()).toMatchObject({ stopCode: 'TaskFailedToStart' });
    await open?.stop();
    const beside = [...steps.slice(0, 2), { ...steps[2], dependsOn: steps[1]!.dependsOn }];
    const one = await start(long, { clock: fastClock(20_000), taskDefinitions: [definition(beside)] });
    expect(await one.carryOut()).toMatchObject({ stopCode: 'EssentialContainerExited' });
  });

  test('its containers do their work, see what the overrides set, and run one after the other', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => void order.push(name);
    const { carryOut } = await start(({ environment }) => {
      order.push(environment('main')['AREA'] ?? '');
      return {
        containers: {
          out: { work: work('out') },
          main: { seconds: 5, work: work('main') },
          in: { work: work('in') },
        },
      };
    });
    const environment = [{ name: 'AREA', value: 'europe/monaco' }];
    await carryOut({ overrides: { containerOverrides: [{ name: 'main', environment }] } });
    expect(order).toEqual(['europe/monaco', 'in', 'main', 'out']);
  });
});

describe('a container that fails', () => {
  test('COMPLETE waits for it and does not mind, and it is no end of the task when it is not essential', async () => {
    const { carryOut } = await start(() => ({ containers: { main: { exitCode: 65 } } }));
    expect(ends(await carryOut())).toBe('in:0 main:65 out:0');
  });

  test('what waits for its SUCCESS never starts, what waits for that neither, and the task failed to start', async () => {
    const { carryOut } = await start(() => ({ containers: { in: { exitCode: 1 } } }));
    const task = await carryOut();
    expect(ends(task)).toBe('in:1 main:143 out:143');
    expect(task.containers?.[1]?.reason).toMatch(
      /^CannotStartContainerError: dependency graph: .*\[in\] for target \[main\] as dependency did not exit successfully/,
    );
    expect(task.containers?.[2]?.reason).toContain('because dependency will never start');
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart', stoppedReason: 'Task failed to start' });
    expect(task.startedAt).toBeUndefined();
  });

  test('out of memory is the container’s reason, not the task’s', async () => {
    const { carryOut } = await start(() => ({ containers: { main: { seconds: 5, outOfMemory: true } } }));
    const task = await carryOut();
    expect(ends(task)).toBe('in:0 main:137 out:0');
    expect(task.containers?.[1]?.reason).toBe('OutOfMemoryError: Container killed due to memory usage');
    expect(task.stopCode).toBe('EssentialContainerExited');
  });

  test('the end of an essential one stops the others', async () => {
    const taskDefinitions = [definition([{ name: 'a' }, { name: 'b', essential: false }])];
    const { carryOut } = await start(
      () => ({
        containers: { a: { seconds: 10, exitCode: 3 }, b: { hangs: true } },
      }),
      { taskDefinitions },
    );
    expect(ends(await carryOut())).toBe('a:3 b:143');
  });
});

const two = (condition: 'START' | 'HEALTHY' | 'COMPLETE', changes = {}) => [
  definition([
    { name: 'a', essential: false, healthCheck: { command: ['CMD', 'true'] }, ...changes },
    { name: 'b', dependsOn: [{ containerName: 'a', condition }] },
  ]),
];

describe('what another container waits for', () => {
  test('START is enough when it has started', async () => {
    const { carryOut } = await start(() => ({ containers: { a: { hangs: true } } }), {
      taskDefinitions: two('START'),
    });
    expect(ends(await carryOut())).toBe('a:143 b:0');
  });

  test('HEALTHY is when its health check says so', async () => {
    const { carryOut } = await start(() => ({ containers: { a: { hangs: true, healthySeconds: 50 } } }), {
      taskDefinitions: two('HEALTHY'),
    });
    const task = await carryOut();
    expect(ends(task)).toBe('a:143 b:0');
    expect(seconds(task.pullStoppedAt, task.startedAt)).toBeGreaterThanOrEqual(50);
  });

  test('HEALTHY never comes when it ends before', async () => {
    const { carryOut } = await start(() => ({ containers: { a: { seconds: 5 } } }), {
      taskDefinitions: two('HEALTHY'),
    });
    expect(ends(await carryOut())).toBe('a:0 b:143');
  });

  test('its startTimeout is how long the other waits', async () => {
    const { carryOut } = await start(() => ({ containers: { a: { hangs: true } } }), {
      taskDefinitions: two('COMPLETE', { startTimeout: 30 }),
    });
    const task = await carryOut();
    expect(ends(task)).toBe('a:143 b:143');
    expect(task.containers?.[1]?.reason).toContain('has timed out');
  });
});

describe('a task that is stopped', () => {
  test('SIGTERM first, SIGKILL after stopTimeout; what has not started never does', async () => {
    const slow = steps.map((one) => (one.name === 'main' ? { ...one, stopTimeout: 60 } : one));
    const {
      run,
      ecs,
      client,
      describe: look,
    } = await start(() => ({ containers: { main: { hangs: true, ignoresSigterm: true } } }), {
      taskDefinitions: [definition(slow)],
    });
    const taskArn = await run();
    await until(() => ecs.state.tasks.get(taskArn)?.containers[1]?.lastStatus === 'RUNNING');
    const stop = new StopTaskCommand({ cluster: 'cluster', task: taskArn, reason: 'enough' });
    expect((await client.send(stop)).task).toMatchObject({
      desiredStatus: 'STOPPED',
      stopCode: 'UserInitiated',
    });
    // Twice is no error, and changes nothing.
    await client.send(new StopTaskCommand({ cluster: 'cluster', task: taskArn, reason: 'again' }));
    await ecs.idle();
    const task = await look(taskArn);
    expect(ends(task)).toBe('in:0 main:137 out');
    expect(task).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough' });
    expect(seconds(task.stoppingAt, task.executionStoppedAt)).toBeGreaterThanOrEqual(60);
  });

  test('during the image pull no container has an exit code', async () => {
    const { run, ecs, client, describe: look } = await start(() => ({ hangs: true }));
    const taskArn = await run();
    await until(() => ecs.state.tasks.get(taskArn)?.pullStartedAt !== undefined);
    await client.send(new StopTaskCommand({ cluster: 'cluster', task: taskArn }));
    await ecs.idle();
    expect(ends(await look(taskArn))).toBe('in main out');
  });

  test('Spot takes its machine back, only where it is on Spot', async () => {
    const { carryOut } = await start(() => ({
      interruptedAfterSeconds: 30,
      containers: { main: { seconds: 60 } },
    }));
    const task = await carryOut(onSpot);
    expect(ends(task)).toBe('in:0 main:143 out');
    expect(task).toMatchObject({
      stopCode: 'SpotInterruption',
      stoppedReason: 'Your Spot Task was interrupted.',
      capacityProviderName: 'FARGATE_SPOT',
    });
    expect(ends(await carryOut())).toBe('in:0 main:0 out:0');
  });
});

test('an image that cannot be had is a task that failed to start, and never ran', async () => {
  const { carryOut } = await start(() => ({
    pullSeconds: 5,
    neverStarts: 'CannotPullContainerError: not found',
  }));
  const task = await carryOut();
  expect(ends(task)).toBe('in main out');
  expect(task).toMatchObject({
    stopCode: 'TaskFailedToStart',
    stoppedReason: 'CannotPullContainerError: not found',
  });
  expect(task.executionStoppedAt).toBeUndefined();
});

test('an hour after its stop a task is known no more', async () => {
  const { carryOut, ecs, describe: look } = await start(() => ({}));
  const { taskArn = '' } = await carryOut();
  const record = ecs.state.tasks.get(taskArn);
  record!.stoppedAt! -= 3500;
  await expect(look(taskArn)).resolves.toMatchObject({ lastStatus: 'STOPPED' });
  record!.stoppedAt! -= 101;
  await expect(look(taskArn)).rejects.toThrow('There is no task');
});

test('the most tasks that there were at once are counted', async () => {
  const { run, ecs } = await start(() => ({ containers: { main: { seconds: 60 } } }));
  for (let n = 0; n < 5; n += 1) await run();
  await ecs.idle();
  expect(ecs.state.held).toEqual({ now: 0, most: 5 });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
