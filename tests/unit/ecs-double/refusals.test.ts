/** What RunTask refuses, and what it answers to the same token. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { RunTaskCommand, type RunTaskCommandInput } from '@aws-sdk/client-ecs';
import type { EcsOptions } from '../../doubles/ecs/options.ts';
import { bench, launch, onSpot, type Bench } from './support.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});
const start = async (options: EcsOptions = {}): Promise<Bench> => (open = await bench(options));

describe('a request that can never work', () => {
  const environment = [{ name: 'A', value: 'x'.repeat(9000) }];
  const cases: [string, Partial<RunTaskCommandInput>, string, RegExp][] = [
    ['an unknown cluster', { cluster: 'no' }, 'ClusterNotFoundException', /Cluster not found/],
    ['an unknown definition', { taskDefinition: 'no' }, 'ClientException', /TaskDefinition not found/],
    ['a count over 10', { count: 11 }, 'InvalidParameterException', /count/],
    ['a startedBy with a colon', { startedBy: 'a:b' }, 'InvalidParameterException', /startedBy/],
    ['a startedBy of 129', { startedBy: 'x'.repeat(129) }, 'InvalidParameterException', /startedBy/],
    ['a clientToken of 65', { clientToken: 'x'.repeat(65) }, 'InvalidParameterException', /clientToken/],
    ['no network', { networkConfiguration: undefined }, 'InvalidParameterException', /Network Configuration/],
    [
      'overrides over 8,192 characters',
      { overrides: { containerOverrides: [{ name: 'main', environment }] } },
      'InvalidParameterException',
      /Container Overrides length must be at most 8192/,
    ],
    [
      'an override for no container',
      { overrides: { containerOverrides: [{ name: 'other' }] } },
      'InvalidParameterException',
      /Override for container named other is not a container/,
    ],
    [
      'a size that Fargate has not',
      { overrides: { cpu: '256', memory: '4096' } },
      'InvalidParameterException',
      /No Fargate/,
    ],
    [
      'the free disk by name',
      { overrides: { ephemeralStorage: { sizeInGiB: 20 } } },
      'InvalidParameterException',
      /21 and 200/,
    ],
    [
      'a disk over 200 GiB',
      { overrides: { ephemeralStorage: { sizeInGiB: 201 } } },
      'InvalidParameterException',
      /21 and 200/,
    ],
    [
      'a capacity provider that there is not',
      { capacityProviderStrategy: [{ capacityProvider: 'MINE' }] },
      'InvalidParameterException',
      /MINE was not found/,
    ],
  ];
  test.each(cases)('%s', async (_, changes, name, message) => {
    const { run, ecs } = await start();
    await expect(run(changes)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
    expect(ecs.state.tasks.size).toBe(0);
  });
});

describe('a clientToken', () => {
  test('with the same request is the same task; with another one a conflict that names it', async () => {
    const { run, ecs } = await start();
    const taskArn = await run({ clientToken: 'token' });
    expect(await run({ clientToken: 'token' })).toBe(taskArn);
    await expect(run({ clientToken: 'token', startedBy: 'another' })).rejects.toMatchObject({
      name: 'ConflictException',
      resourceIds: [taskArn],
    });
    expect(ecs.state.tasks.size).toBe(1);
    expect(await run({ clientToken: 'other' })).not.toBe(taskArn);
  });

  test('finds the task of a call whose answer got lost, and is throttled as any call is', async () => {
    const { run, ecs } = await start({ refusals: { share: (nth) => (nth < 2 ? 1 : 0), of: ['loseAnswer'] } });
    await expect(run({ clientToken: 'token' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    const [task] = ecs.state.tasks.values();
    await expect(run({ clientToken: 'token' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(await run({ clientToken: 'token' })).toBe(task?.taskArn);
    expect(ecs.state.tasks.size).toBe(1);
  });
});

describe('quotas', () => {
  test('20 calls a second, and then a throttle', async () => {
    const { run } = await start({ clock: { now: () => 0, sleep: async () => {} } });
    for (let n = 0; n < 20; n += 1) await run();
    await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
  });

  test('100 launches at once, refilled by 20 a second', async () => {
    let now = 0;
    const clock = { now: () => now, sleep: async () => {} };
    const { client, run } = await start({ clock, quotas: { callsPerSecond: 1000 } });
    const ten = new RunTaskCommand({ ...launch, count: 10 });
    for (let n = 0; n < 10; n += 1) expect((await client.send(ten)).tasks).toHaveLength(10);
    await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException' });
    now += 500;
    expect((await client.send(ten)).tasks).toHaveLength(10);
    await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  test('vCPUs of on-demand and of Spot are counted apart; room on Spot is a failure with HTTP 200', async () => {
    const { run } = await start({
      containers: () => ({ hangs: true }),
      quotas: { vcpus: 0.5, spotTasks: 1 },
    });
    await run();
    await run();
    await expect(run()).rejects.toThrow("You've reached the limit on the number of vCPUs");
    await run(onSpot);
    await expect(run(onSpot)).rejects.toThrow(
      'Not started: [{"reason":"Capacity is unavailable at this time.',
    );
  });
});

/** One letter for each launch: `.` when it was started. */
const outcomes = async (seed: number): Promise<string> => {
  const { run, stop } = await bench({ seed, refusals: { share: 0.5, of: ['throttle', 'noCapacity'] } });
  const seen: string[] = [];
  for (let n = 0; n < 15; n += 1) {
    const outcome = run({ clientToken: `token-${n}` }).then(
      () => '.',
      (error: Error) => error.name.charAt(0),
    );
    seen.push(await outcome);
  }
  await stop();
  return seen.join('');
};

test('refusals by chance come for the same tokens in every run, and for others with another seed', async () => {
  const first = await outcomes(1);
  expect(first).toMatch(/\./);
  expect(first).toMatch(/T/);
  expect(await outcomes(1)).toBe(first);
  expect(await outcomes(2)).not.toBe(first);
});
