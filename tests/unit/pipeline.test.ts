import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { cancel } from '../../lib/pipeline/cancel.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { dispatch, dispatchAtQuota } from '../../lib/pipeline/dispatch.ts';
import { accept } from '../../lib/pipeline/accept.ts';
import { readAdmission } from '../../lib/pipeline/admission.ts';
import type { UploadMessage } from '../../lib/pipeline/messages.ts';
import { settle } from '../../lib/pipeline/settle.ts';
import type { LaunchOutcome, RecordStore, TaskRunner, TaskState } from '../../lib/ports.ts';
import type { MemoryRecords } from '../../lib/simulate/memory/record-store.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { handleMessages } from '../doubles/handle-messages.ts';
import type { Act, Launched } from '../doubles/memory/task-runner.ts';
import { textTask, World } from '../doubles/world.ts';

/** Plain takes more memory than there is. */
const byKind = ({ env }: Launched): Act => (env['KIND'] === 'rich' ? {} : { outOfMemory: true });

const states = async ({ runner }: World): Promise<TaskState[]> =>
  await runner.describe([...runner.tasks.keys()]);

const receiptOf = (world: World, key: string): Receipt => JSON.parse(world.output(key) ?? 'null') as Receipt;

describe('a dropped file', () => {
  test('is published with its metadata, and the receipt tells everything', async () => {
    const world = new World({
      script: () => ({ seconds: 90, peakMemoryBytes: 5e8, outputs: { 'a.txt': 'good' } }),
    });
    await world.drop('text/some folder/a+b %.txt', 'hello');
    await world.settleAll();

    const job = world.job('some folder/a+b %');
    expect(job.state).toBe('published');
    expect(world.output('text/some folder/a+b %/a.txt')).toBe('good');
    expect(world.output('text/some folder/a+b %/about.json')).toBe(JSON.stringify({ job: job.id }));
    const receipt = receiptOf(world, 'text/some folder/a+b %/receipt.json');
    expect(receipt).toMatchObject({
      state: 'published',
      inputs: [{ uri: 'memory://uploads/text/some folder/a+b %.txt', bytes: 5 }],
      attempts: [{ attempt: 1, cause: 'succeeded', spot: true, seconds: 90, peakMemoryBytes: 5e8 }],
      seconds: 90,
      peakMemoryBytes: 5e8,
    });
    expect(receipt.files.map(({ name }) => name)).toEqual(['a.txt', 'about.json']);
    expect(receipt.checks.every(({ ok }) => ok)).toBe(true);
    // 1 vCPU and 2 GB for 90 s on Spot: 0.3 × 90/3600 × (0.04048 + 2 × 0.004445).
    expect(receipt.costUsd).toBeCloseTo(0.00037, 5);
    expect([...world.stores.staging.objects.keys()].filter((key) => key.includes('/output/'))).toEqual([]);
  });

  test('with its ending in capitals is taken like any other', async () => {
    const world = new World();
    await world.drop('text/A.TXT', 'hello');
    await world.settleAll();
    expect(world.job('A').inputs).toMatchObject([{ key: 'text/A.TXT', name: 'A.txt' }]);
  });

  test('told twice is one job', async () => {
    const world = new World();
    await world.drop('text/a.txt', 'hello', '01');
    await world.drop('text/a.txt', 'hello', '01');
    await world.settleAll();
    await world.drop('text/a.txt', 'hello', '01');
    await world.settleAll();
    expect(world.runner.launches).toHaveLength(1);
  });

  test('dropped again with the same content is one job', async () => {
    const world = new World();
    await world.drop('text/a.txt', 'hello', '01');
    await world.settleAll();
    await world.drop('text/a.txt', 'hello', '02');
    await world.settleAll();
    expect(world.runner.launches).toHaveLength(1);
  });

  test('with other content under the same key is a new job, and going back is one more', async () => {
    const world = new World({ script: ({ inputs }) => ({ outputs: { 'out.txt': inputs[0]?.etag ?? '' } }) });
    await world.drop('text/a.txt', 'one', '01');
    await world.settleAll();
    const one = world.output('text/a/out.txt');
    await world.drop('text/a.txt', 'two', '02');
    await world.settleAll();
    expect(world.output('text/a/out.txt')).not.toBe(one);
    await world.drop('text/a.txt', 'one', '03');
    await world.settleAll();
    expect(world.output('text/a/out.txt')).toBe(one);
    expect(world.runner.launches).toHaveLength(3);
  });

  test('whose older version is told late does nothing', async () => {
    const world = new World();
    await world.drop('text/a.txt', 'two', '02');
    await world.drop('text/a.txt', 'one', '01');
    await world.settleAll();
    expect(world.allJobs()).toHaveLength(1);
  });

  test('that failed is tried again when it is dropped again', async () => {
    const world = new World({ script: () => ({ exitCode: 65, lastLine: 'no header' }) });
    await world.drop('text/a.txt', 'hello', '01');
    await world.settleAll();
    await world.drop('text/a.txt', 'hello', '02');
    await world.settleAll();
    expect(world.allJobs().map(({ state }) => state)).toEqual(['quarantined', 'quarantined']);
  });

  test.each([
    ['nosuch/a.txt', 'x', /no task "nosuch".*tasks are: text/],
    ['a.txt', 'x', /outside any task’s folder.*tasks are: text/],
    ['text/a.csv', 'x', /text takes \*\.txt; "a\.csv" is none of these/],
    ['text/a.txt', '', /"a\.txt" is empty \(0 bytes\)/],
  ])('%j is set aside with its reason', async (key, body, reason) => {
    const world = new World();
    await world.drop(key, body);
    await world.drop('text/good.txt', 'good');
    await world.settleAll();
    expect(world.job('good').state).toBe('published');
    const bad = world.allJobs().find(({ name }) => name !== 'good');
    expect(bad).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(reason) });
    const kept = [...world.stores.quarantine.objects].filter(([at]) => at.includes('/input/'));
    expect(kept.map(([, { body: bytes }]) => bytes.toString())).toEqual([body]);
    expect(world.stores.uploads.objects.has(key)).toBe(true);
  });

  test('of 1,024 bytes in its key is published under a shorter name', async () => {
    const world = new World();
    const key = `text/${'ü'.repeat((1024 - 9) / 2)}x.txt`;
    expect(Buffer.byteLength(key)).toBe(1024);
    await world.drop(key, 'hello');
    await world.settleAll();
    expect(world.allJobs()).toMatchObject([{ state: 'published' }]);
    for (const published of world.stores.output.objects.keys())
      expect(Buffer.byteLength(published)).toBeLessThan(600);
  });
});

describe('an asked job', () => {
  test('is one job for the same run and parameters, and another in another run', async () => {
    const world = new World();
    await world.ask('r1', { area: 'europe/monaco' });
    await world.ask('r1', { area: 'europe/monaco' });
    await world.ask('r2', { area: 'europe/monaco' });
    await world.settleAll();
    expect(
      world
        .allJobs()
        .map(({ run, state, name }) => `${run} ${state} ${name}`)
        .toSorted(),
    ).toEqual(['r1 published europe/monaco', 'r2 published europe/monaco']);
  });

  test.each([
    [{ kind: 'round' }, 'bad-parameter', /kind is "round"/],
    [{ colour: 'red' }, 'bad-parameter', /colour/],
    [{}, 'bad-parameter', /area is missing/],
  ])('with the parameters %j is set aside', async (params, cause, reason) => {
    const world = new World();
    await world.ask('r1', params);
    await world.settleAll();
    expect(world.allJobs()).toMatchObject([
      { state: 'quarantined', cause, reason: expect.stringMatching(reason) },
    ]);
    expect(world.runner.launches).toHaveLength(0);
  });
});

describe('an attempt that ends badly', () => {
  test('out of memory goes to the next memory size up, to the ceiling, then fails', async () => {
    const world = new World({ script: () => ({ outOfMemory: true }) });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    const job = world.job('a');
    expect(job.attempts.map(({ size }) => size.memoryMiB)).toEqual([2048, 4096, 8192]);
    expect(job).toMatchObject({
      state: 'failed',
      cause: 'out-of-memory',
      reason: expect.stringContaining('8192 MiB'),
    });
  });

  describe('out of memory at the ceiling, with parameters that need less', () => {
    const task: TaskDefinition = {
      ...textTask,
      size: ({ params }) => ({ vcpu: 1, memoryMiB: 2048, diskGiB: params['kind'] === 'rich' ? 60 : 20 }),
      ceiling: { vcpu: 2, memoryMiB: 4096, diskGiB: 50 },
      expectedSeconds: ({ params }) => (params['kind'] === 'rich' ? 100 : 10),
      atCeiling: ({ kind }) => (kind === 'plain' ? { kind: 'rich' } : undefined),
    };

    test('goes on with them once, on all the memory and the disk that they want, and the receipt tells', async () => {
      const world = new World({ tasks: [task], script: byKind });
      await world.ask('r1', { area: 'a' });
      await world.settleAll();
      const job = world.job('a');
      expect(job.attempts.map(({ cause, size }) => [cause, size.memoryMiB, size.diskGiB])).toEqual([
        ['out-of-memory', 2048, 20],
        ['out-of-memory', 4096, 20],
        ['succeeded', 4096, 50],
      ]);
      expect(job).toMatchObject({
        state: 'published',
        params: { area: 'a', kind: 'rich' },
        paramsAsked: { area: 'a' },
        expectedSeconds: 100,
      });
      expect(receiptOf(world, 'text/a/receipt.json')).toMatchObject({
        params: { area: 'a', kind: 'rich' },
        paramsAsked: { area: 'a' },
      });

      // And the next time at once.
      await world.ask('r2', { area: 'a' });
      await world.settleAll();
      const next = world.allJobs().find(({ run }) => run === 'r2');
      expect(next).toMatchObject({ state: 'published', paramsAsked: { area: 'a' } });
      expect(next?.attempts.map(({ cause, size }) => [cause, size.memoryMiB])).toEqual([['succeeded', 4096]]);
    });

    test('fails when they are not enough either, or when it was asked with them', async () => {
      const world = new World({ tasks: [task], script: () => ({ outOfMemory: true }) });
      await world.ask('r1', { area: 'a' });
      await world.ask('r1', { area: 'b', kind: 'rich' });
      await world.settleAll();
      expect(world.job('a')).toMatchObject({ state: 'failed', cause: 'out-of-memory' });
      expect(world.job('a').attempts).toHaveLength(3);
      expect(world.job('b').attempts).toHaveLength(2);
      expect(world.job('b')).not.toHaveProperty('paramsAsked');
    });

    test('is the same wish as before: what was made so is fresh', async () => {
      const source = { uri: 'http://mirror/a', etag: 'e1', bytes: 7 };
      const world = new World({
        tasks: [{ ...task, source: async () => source, freshness: () => 30 }],
        script: byKind,
      });
      await world.ask('r1', { area: 'a' });
      await world.settleAll();
      await world.ask('r2', { area: 'a' });
      await world.settleAll();
      expect(world.allJobs().find(({ run }) => run === 'r2')).toMatchObject({
        state: 'published',
        attempts: [],
      });
    });
  });

  test('bad input is never tried again, and its reason is the last line', async () => {
    const world = new World({
      script: () => ({ exitCode: 65, lastLine: '{"message":"the header is cut"}' }),
    });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({
      state: 'quarantined',
      cause: 'bad-input',
      reason: 'the header is cut',
    });
    expect(world.runner.launches).toHaveLength(1);
  });

  test('a Spot loss has the same size again, then on-demand', async () => {
    const world = new World({
      script: ({ attempt }) => (attempt < 4 ? { stopCode: 'SpotInterruption', vanishes: true } : {}),
    });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a').attempts.map(({ spot, cause }) => [spot, cause])).toEqual([
      [true, 'interrupted'],
      [true, 'interrupted'],
      [false, 'interrupted'],
      [false, 'succeeded'],
    ]);
  });

  test('an unknown failure is tried as often as the task says', async () => {
    const world = new World({ script: () => ({ exitCode: 2, lastLine: 'Segmentation fault' }) });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({
      state: 'failed',
      reason: 'Exit code 2: Segmentation fault (after 3 attempts)',
    });
  });

  test.each([{ vanishes: true }, { exitCode: 137 }, { exitCode: 143 }])(
    'killed from outside (%j) is tried again',
    async (act) => {
      const world = new World({ script: ({ attempt }) => (attempt === 1 ? act : {}) });
      await world.drop('text/a.txt', 'hello');
      await world.settleAll();
      expect(world.job('a')).toMatchObject({
        state: 'published',
        attempts: [{ cause: 'killed' }, { cause: 'succeeded' }],
      });
    },
  );

  test('try-again waits longer each time', async () => {
    const world = new World({ script: () => ({ exitCode: 75, lastLine: 'mirror down', seconds: 1 }) });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    const starts = world.job('a').attempts.map(({ claimedAt }) => claimedAt);
    expect(starts[1]! - starts[0]!).toBeGreaterThanOrEqual(30_000);
    expect(starts[2]! - starts[1]!).toBeGreaterThanOrEqual(60_000);
    expect(world.job('a').state).toBe('failed');
  });

  test('deaf and endless is stopped at its deadline', async () => {
    const world = new World({ script: () => ({ hangs: true }) });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'failed', cause: 'deadline' });
    expect(world.runner.launches).toHaveLength(1);
  });

  test('it is stopped also when the runner never says that it has started, as ECS does until its last container has', async () => {
    const world = new World({ script: () => ({ hangs: true }) });
    const look = world.runner.describe.bind(world.runner);
    world.runner.describe = async (refs) =>
      (await look(refs)).map((state) => ({ ref: state.ref, launch: state.launch, status: state.status }));
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'failed', cause: 'deadline' });
  });

  test('an input that changed under it is cancelled: the new version is a job of its own', async () => {
    const world = new World({ script: () => ({ stageIn: { cause: 'input-changed', reason: 'changed' } }) });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'cancelled', cause: 'input-changed' });
  });

  test('a launch of which nobody knows whether it was carried out keeps its slot, though the next call is throttled', async () => {
    const world = new World({ script: () => ({ seconds: 300 }), settings: { maxTasks: 1 } });
    const launch = world.runner.launch.bind(world.runner);
    let calls = 0;
    world.runner.launch = async (what) => {
      calls += 1;
      if (calls === 2) return { outcome: 'wait', reason: 'Rate exceeded' };
      const outcome = await launch(what);
      if (calls === 1) throw new Error('socket hang up');
      return outcome;
    };
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    // Larger, so that it would be the first to take the slot.
    await world.drop('text/b.txt', 'hello'.repeat(10));
    await world.settleAll();
    expect(['a', 'b'].map((name) => world.job(name).state)).toEqual(['published', 'published']);
    expect(world.runner.launches).toHaveLength(2);
    expect(world.runner.mostAtOnce).toBe(1);
  });

  test('a launch that is refused for good fails the job; a throttle only waits', async () => {
    let throttles = 3;
    const world = new World({
      script: ({ env }) => {
        if (env['AREA'] === 'never') return { outcome: { outcome: 'refused', reason: 'no such image' } };
        return throttles-- > 0 ? { outcome: { outcome: 'wait', reason: 'ThrottlingException' } } : {};
      },
    });
    await world.ask('r', { area: 'never' });
    await world.ask('r', { area: 'throttled' });
    await world.settleAll();
    expect(world.job('never')).toMatchObject({ state: 'failed', cause: 'refused', reason: 'no such image' });
    expect(world.job('throttled')).toMatchObject({ state: 'published', attempts: [{ attempt: 1 }] });
  });
});

describe('validation', () => {
  test('sends a bad output to quarantine and keeps what is published', async () => {
    const world = new World({
      script: ({ run }) => ({ outputs: { 'a.txt': run === 'r1' ? 'good' : 'bad news' } }),
    });
    await world.ask('r1', { area: 'a' });
    await world.settleAll();
    await world.ask('r2', { area: 'a' });
    await world.settleAll();
    expect(world.output('text/a/a.txt')).toBe('good');
    const bad = world.allJobs().find(({ run }) => run === 'r2')!;
    expect(bad).toMatchObject({
      state: 'quarantined',
      cause: 'invalid-output',
      reason: 'a.txt: it begins with "bad"',
    });
    expect(world.stores.quarantine.objects.get(`text/${bad.id}/output/a.txt`)?.body.toString()).toBe(
      'bad news',
    );
  });

  test.each([
    [{}, /wrote 0 of at least 1 \*\.txt/],
    [{ 'a.txt': 'x', 'a.tmp': 'y' }, /a\.tmp: no output of this name is expected/],
  ])('refuses the outputs %j', async (outputs, reason) => {
    const world = new World({ script: () => ({ outputs }) });
    await world.drop('text/a.txt', 'hello');
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(reason) });
  });
});

describe('publishing', () => {
  test('takes away the files of the previous version that the new one has not', async () => {
    const world = new World({
      script: ({ run }) => ({ outputs: run === 'r1' ? { 'a.txt': '1', 'b.txt': '1' } : { 'a.txt': '2' } }),
    });
    await world.ask('r1', { area: 'a' });
    await world.settleAll();
    await world.ask('r2', { area: 'a' });
    await world.settleAll();
    expect([...world.stores.output.objects.keys()].sort()).toEqual([
      'text/a/a.txt',
      'text/a/about.json',
      'text/a/receipt.json',
    ]);
  });

  test('two versions of one file never run at once, and the newer one stays', async () => {
    const world = new World({
      script: ({ inputs }) => ({ seconds: inputs[0]!.bytes, outputs: { 'a.txt': String(inputs[0]!.bytes) } }),
    });
    await world.drop('text/a.txt', 'x'.repeat(100), '01');
    await world.deliver();
    await world.drop('text/a.txt', 'x'.repeat(50), '02');
    await world.settleAll();
    expect(world.runner.mostAtOnce).toBe(1);
    expect(world.output('text/a/a.txt')).toBe('50');
  });
});

describe('admission', () => {
  test('largest first, never more than maxTasks nor a limit’s share', async () => {
    const world = new World({
      settings: { maxTasks: 3, limits: { mirror: 2 } },
      script: ({ inputs }) => ({ seconds: 10 + (inputs[0]?.bytes ?? 0) }),
    });
    for (const bytes of [5, 50, 500, 20, 200]) await world.drop(`text/${bytes}.txt`, 'x'.repeat(bytes));
    for (const area of ['a', 'b', 'c', 'd']) await world.ask('r', { area });
    const messages = (await world.jobs.receive()).map(({ body }) => body);
    await handleMessages(world.context, messages);
    expect(world.runner.launches.map(({ inputs }) => inputs[0]?.bytes)).toEqual([500, 200, 50]);
    world.jobs.held.splice(0);
    await world.settleAll();
    expect(world.runner.mostAtOnce).toBe(3);
    expect(world.allJobs().every(({ state }) => state === 'published')).toBe(true);
  });

  test('jobs that a limit holds back hide none behind them', async () => {
    const world = new World({
      tasks: [{ ...textTask, source: async () => ({ uri: 'http://mirror/a', bytes: 1000 }) }],
      settings: { maxTasks: 3, limits: { mirror: 1 } },
    });
    for (const area of ['a', 'b', 'c', 'd', 'e', 'f']) await world.ask('r', { area });
    await world.drop('text/small.txt', 'x');
    while (await world.deliver());
    expect(world.runner.launches.filter(({ inputs }) => inputs.length === 1)).toHaveLength(1);
    expect(world.runner.launches).toHaveLength(2);
  });

  describe('of a task that fetches in a step of its own', () => {
    const fetching: TaskDefinition = {
      ...textTask,
      fetch: {
        command: ['fetch'],
        isNeeded: ({ area }) => area !== undefined,
        expectedSeconds: () => 5,
      },
    };
    const open = async (): Promise<World> => {
      const world = new World({
        tasks: [fetching],
        settings: { maxTasks: 9, limits: { mirror: 1 } },
        script: () => ({ seconds: 100, fetchSeconds: 5 }),
      });
      for (const area of ['a', 'b']) await world.ask('r', { area });
      while (await world.deliver());
      expect(world.runner.launches).toHaveLength(1);
      return world;
    };
    test('the share is free when it has fetched, told by an event, and the slot is not', async () => {
      const world = await open();
      for (const state of await states(world)) await settle(world.context, state);
      while (await world.deliver());
      expect(world.runner.launches).toHaveLength(1);
      world.clock.advance(5000);
      for (const state of await states(world)) {
        await settle(world.context, state);
        await settle(world.context, state);
      }
      while (await world.deliver());
      expect(world.runner.launches).toHaveLength(2);
      expect(world.runner.running()).toHaveLength(2);
      expect((await readAdmission(world.context)).entries.map(({ limits }) => limits)).toEqual([
        [],
        ['mirror'],
      ]);
      await world.settleAll();
      expect(world.allJobs().every(({ state }) => state === 'published')).toBe(true);
    });

    test('where the event was lost the sweep sees it', async () => {
      const world = await open();
      world.clock.advance(5000);
      await sweep(world.context);
      while (await world.deliver());
      expect(world.runner.launches).toHaveLength(2);
    });

    test('a file that was dropped has nothing to fetch', async () => {
      const world = await open();
      await world.drop('text/a.txt', 'x');
      while (await world.deliver());
      expect(world.runner.launches.map(({ fetch }) => fetch)).toEqual([true, undefined]);
    });
  });

  test('the records of jobs that a limit holds back are not read to find that out', async () => {
    const world = new World({
      settings: { maxTasks: 9, limits: { mirror: 1 } },
      script: () => ({ hangs: true }),
    });
    for (let at = 0; at < 30; at += 1) await world.ask('r', { area: `a${at}` });
    while (await world.deliver());
    expect(world.runner.launches).toHaveLength(1);
    const before = world.calls;
    await dispatch(world.context);
    // The admission and the list of what waits.
    expect(world.calls - before).toBe(2);
    await world.drop('text/free.txt', 'x');
    while (await world.deliver());
    expect(world.runner.launches).toHaveLength(2);
  });

  test('many dispatchers at once start each job once and never pass maxTasks', async () => {
    const world = new World({ settings: { maxTasks: 7 } });
    for (let at = 0; at < 40; at += 1) await world.drop(`text/${at}.txt`, 'x'.repeat(at + 1));
    // Accept all without dispatching.
    for (const { body } of world.jobs.held.splice(0))
      await accept(world.context, JSON.parse(body) as UploadMessage);
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(Array.from({ length: 5 }, async () => await dispatch(world.context)));
      expect(world.runner.running().length).toBeLessThanOrEqual(7);
      world.clock.advance(11_000);
      await world.tellStops();
      while (await world.deliver());
    }
    expect(world.runner.mostAtOnce).toBe(7);
    expect(world.runner.launches).toHaveLength(40);
    expect(world.allJobs().every(({ state }) => state === 'published')).toBe(true);
  });

  test('a claim whose dispatcher died is revoked; if it only was slow, it does not start the job any more', async () => {
    const world = new World({ settings: { maxTasks: 1 } });
    await world.drop('text/a.txt', 'x');
    for (const { body } of world.jobs.held.splice(0))
      await accept(world.context, JSON.parse(body) as UploadMessage);

    const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
    const slow = dispatch({ ...world.context, records: sleepingAfterAdmission(world.records, awake) });
    while (!world.records.records.has('admission')) await setImmediate();
    await sweep(world.context);
    expect((await status(world.context)).jobs.waiting).toBe(1);
    world.clock.advance(61_000);
    expect(await sweep(world.context)).toMatchObject({ revoked: 1 });
    wake();
    expect(await slow).toMatchObject({ launched: 0 });
    expect(world.runner.launches).toHaveLength(0);

    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'published', attempts: [{ attempt: 1 }] });
  });

  test('a job that is put back stays to be found, though another dispatcher looked while it was launched', async () => {
    const world = new World();
    await world.drop('text/a.txt', 'x');
    for (const { body } of world.jobs.held.splice(0))
      await accept(world.context, JSON.parse(body) as UploadMessage);

    const { promise: answer, resolve: refuse } = Promise.withResolvers<LaunchOutcome>();
    const throttled: TaskRunner = { ...runnerOf(world), launch: async () => await answer };
    const first = dispatch({ ...world.context, runner: throttled });
    while (world.allJobs()[0]?.phase !== 'launching') await setImmediate();
    await dispatch(world.context);
    refuse({ outcome: 'wait', reason: 'throttled', retryAfterSeconds: 1 });
    expect(await first).toMatchObject({ launched: 0 });
    world.clock.advance(1500);
    expect(await dispatch(world.context)).toMatchObject({ launched: 1 });
  });

  test('a dispatcher that only the launch quota holds back stays, and goes on as the quota allows', async () => {
    const world = new World({ settings: { maxTasks: 300 } });
    for (let at = 0; at < 150; at += 1) await world.drop(`text/${at}.txt`, 'x');
    for (const { body } of world.jobs.held.splice(0))
      await accept(world.context, JSON.parse(body) as UploadMessage);
    const before = world.clock.now();
    // A bucket of 100, then 20 a second.
    expect(await dispatchAtQuota(world.context, {}, 1)).toMatchObject({
      launched: 120,
      retryAfterSeconds: 1,
    });
    expect(world.clock.now() - before).toBe(1000);
    world.clock.advance(250);
    expect(await dispatchAtQuota(world.context, {}, 10)).toMatchObject({ launched: 30 });
  });

  test('before it leaves it wakes the next one; what fails in a launch is not swallowed', async () => {
    const world = new World({ settings: { maxTasks: 900 } });
    for (let at = 0; at < 400; at += 1) await world.drop(`text/${at}.txt`, 'x');
    for (const { body } of world.jobs.held.splice(0))
      await accept(world.context, JSON.parse(body) as UploadMessage);
    expect(await dispatchAtQuota(world.context, {}, 10)).toMatchObject({
      launched: 300,
      retryAfterSeconds: 1,
    });
    expect(world.jobs.held.map(({ body }) => body)).toEqual(['{"kind":"wake"}']);
    world.clock.advance(1000);
    const { records } = world;
    const broken: RecordStore = {
      uri: (key) => records.uri(key),
      read: async (key) => await records.read(key),
      create: async (key, value) => await records.create(key, value),
      replace: async (key, value, version) => {
        if (key.startsWith('jobs/')) throw new Error('S3 is down');
        return await records.replace(key, value, version);
      },
      delete: async (key) => await records.delete(key),
      list: (prefix, options) => records.list(prefix, options),
    };
    await expect(dispatchAtQuota({ ...world.context, records: broken }, {}, 10)).rejects.toThrow(
      'S3 is down',
    );
  });

  test('the first refusal for a while holds all launches for two seconds only, the next for as long as it says', async () => {
    const world = new World({
      script: () => ({ outcome: { outcome: 'wait', reason: 'no room', retryAfterSeconds: 30 } }),
    });
    await world.drop('text/a.txt', 'x');
    for (const { body } of world.jobs.held.splice(0))
      await accept(world.context, JSON.parse(body) as UploadMessage);
    world.clock.advance(100_000);
    expect(await dispatch(world.context)).toMatchObject({ launched: 0, retryAfterSeconds: 2 });
    world.clock.advance(2001);
    expect(await dispatch(world.context)).toMatchObject({ launched: 0, retryAfterSeconds: 30 });
  });

  test('a wake-up that comes again late frees nothing that was admitted since', async () => {
    const world = new World({
      script: ({ attempt }) => (attempt === 1 ? { outOfMemory: true } : { seconds: 60 }),
    });
    await world.drop('text/a.txt', 'x');
    await world.deliver();
    world.clock.advance(10_000);
    await world.tellStops();
    const wakes = world.jobs.held.map(({ body }) => body);
    await world.deliver();
    expect(world.runner.launches).toHaveLength(2);
    const before = world.records.records.get('admission')?.value;
    expect(before).toMatchObject({ entries: [{ members: [{ attempt: 2 }] }] });
    await handleMessages(world.context, wakes);
    expect(world.records.records.get('admission')?.value).toEqual(before);
  });

  test('all that is over is taken out of the admission by one write', async () => {
    const world = new World({ settings: { maxTasks: 9 } });
    for (let at = 0; at < 9; at += 1) await world.drop(`text/${at}.txt`, 'x');
    while (await world.deliver());
    world.clock.advance(11_000);
    await world.tellStops();
    const wakes = world.jobs.held.splice(0).map(({ body }) => body);
    const writes: string[] = [];
    const records = writesOf(world.records, (key) => writes.push(key));
    await handleMessages({ ...world.context, records }, wakes);
    expect(wakes.filter((wake) => wake.includes('freed'))).toHaveLength(9);
    expect(writes.filter((key) => key === 'admission')).toHaveLength(1);
    expect((await readAdmission(world.context)).entries.map(({ settledAt }) => settledAt)).toEqual(
      Array.from({ length: 9 }, () => world.clock.now()),
    );
  });
});

const runnerOf = ({ context: { runner } }: World): TaskRunner => ({
  launch: async (launch) => await runner.launch(launch),
  describe: async (refs) => await runner.describe(refs),
  stop: async (ref, reason) => await runner.stop(ref, reason),
  skip: async (ref, member) => await runner.skip(ref, member),
  clean: async (ref) => await runner.clean(ref),
});

/** The ledger, telling of each record that is replaced. */
function writesOf(records: MemoryRecords, tell: (key: string) => void): RecordStore {
  return new Proxy(records, {
    get: (target, name) => {
      const method = (Reflect.get(target, name, target) as (...args: unknown[]) => unknown).bind(target);
      if (name !== 'replace') return method;
      return (key: string, ...rest: unknown[]): unknown => {
        tell(key);
        return method(key, ...rest);
      };
    },
  });
}

/** The ledger as a dispatcher sees it that is put to sleep right after its admission was written. */
function sleepingAfterAdmission(records: MemoryRecords, awake: Promise<void>): RecordStore {
  return new Proxy(records, {
    get: (target, name) => {
      if (name !== 'read') return (Reflect.get(target, name, target) as () => unknown).bind(target);
      return async (key: string) => {
        if (key.startsWith('jobs/') && target.records.has('admission')) await awake;
        return await target.read(key);
      };
    },
  });
}

describe('lost events', () => {
  test('every stop lost: the sweep finds them', async () => {
    const world = new World();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await world.drop(`text/${name}.txt`, name);
    await world.settleAll({ lose: () => true });
    expect(world.allJobs().map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'published'));
    expect(world.runner.launches).toHaveLength(6);
  });

  test('a stop told twice, and again after the end, changes nothing', async () => {
    const world = new World();
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    world.clock.advance(10_000);
    const [state] = await world.stops();
    await settle(world.context, state!);
    await settle(world.context, state!);
    await world.settleAll();
    const before = world.output('text/a/receipt.json');
    await settle(world.context, state!);
    await world.settleAll();
    expect(world.output('text/a/receipt.json')).toBe(before);
    // Metrics are counted from this line.
    expect(world.log.lines.filter(({ event }) => event === 'Job:End:Published')).toHaveLength(1);
    expect(world.runner.launches).toHaveLength(1);
  });

  test('a task that the runner has forgotten is tried again', async () => {
    const world = new World();
    await world.drop('text/a.txt', 'hello');
    await world.deliver();
    world.runner.tasks.clear();
    world.clock.advance(61_000);
    await sweep(world.context);
    await world.settleAll();
    expect(world.job('a')).toMatchObject({
      state: 'published',
      attempts: [{ cause: 'killed' }, { cause: 'succeeded' }],
    });
  });
});

describe('cancel', () => {
  test('a waiting job never starts; a running one is stopped', async () => {
    const world = new World({ settings: { maxTasks: 1 }, script: () => ({ hangs: true }) });
    await world.drop('text/a.txt', 'hello, larger');
    await world.deliver();
    await world.drop('text/b.txt', 'hello');
    await world.deliver();
    await cancel(world.context, world.job('b').id);
    expect(world.job('b')).toMatchObject({ state: 'cancelled', attempts: [] });
    await cancel(world.context, world.job('a').id);
    await world.settleAll();
    expect(world.job('a')).toMatchObject({ state: 'cancelled', cause: 'cancelled' });
    expect(world.runner.launches).toHaveLength(1);
    expect((await status(world.context)).jobs).toMatchObject({ cancelled: 2, running: 0, waiting: 0 });
  });
});

describe('freshness', () => {
  test('a result from the same source is not made again while it is young enough', async () => {
    const source = { uri: 'http://mirror/a', etag: 'e1', bytes: 7 };
    const task = { ...textTask, source: async () => ({ ...source }), freshness: () => 30 };
    const world = new World({ tasks: [task] });
    await world.ask('r1', { area: 'a' });
    await world.settleAll();
    await world.ask('r2', { area: 'a' });
    await world.settleAll();
    const second = world.allJobs().find(({ run }) => run === 'r2')!;
    expect(second).toMatchObject({
      state: 'published',
      attempts: [],
      reason: expect.stringMatching(/^Fresh: published 0\.0 days ago/),
    });
    source.etag = 'e2';
    await world.ask('r3', { area: 'a' });
    await world.settleAll();
    expect(world.runner.launches).toHaveLength(2);
    world.clock.advance(31 * 86_400_000);
    await world.ask('r4', { area: 'a' });
    await world.settleAll();
    expect(world.runner.launches).toHaveLength(3);
  });
});

test('status counts every job once, by run', async () => {
  const world = new World({
    settings: { maxTasks: 1 },
    script: ({ attempt, inputs }) =>
      inputs[0]?.name === 'bad.txt'
        ? { exitCode: 65, lastLine: 'bad' }
        : { exitCode: attempt === 1 ? 75 : 0 },
  });
  await world.drop('text/bad.txt', 'x'.repeat(100));
  await world.deliver();
  await world.drop('text/a.txt', 'hello');
  await world.ask('r1', { area: 'b' });
  await world.deliver();
  expect((await status(world.context)).jobs).toEqual({
    waiting: 2,
    running: 1,
    published: 0,
    failed: 0,
    quarantined: 0,
    cancelled: 0,
  });
  world.clock.advance(10_000);
  await world.tellStops();
  while (await world.deliver());
  expect((await status(world.context, { run: 'r1' })).jobs).toEqual({
    waiting: 1,
    running: 0,
    published: 0,
    failed: 0,
    quarantined: 0,
    cancelled: 0,
  });
  await world.settleAll();
  const all = await status(world.context);
  expect(all.jobs).toEqual({ waiting: 0, running: 0, published: 2, failed: 0, quarantined: 1, cancelled: 0 });
  expect(all.failures).toMatchObject([{ name: 'bad', cause: 'bad-input', reason: 'bad' }]);
});
