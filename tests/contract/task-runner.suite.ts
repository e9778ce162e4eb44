/** What every task runner must do that really runs processes. Run by `task-runner.*.test.ts`, once for each. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { AttemptRecord, stagingKeys } from '../../lib/pipeline/attempt-record.ts';
import { launchId } from '../../lib/pipeline/launch-id.ts';
import type { Launch, LaunchMember, ObjectStore, TaskRunner, TaskState } from '../../lib/ports.ts';

export interface TaskRunnerContext {
  /** Knows the tasks below by name. */
  runner: TaskRunner;
  /** Another one on the same backend: what a second process has, or the next one after a kill. */
  second: TaskRunner;
  uploads: ObjectStore;
  staging: ObjectStore;
  /** Kills the process of a running task from outside. */
  kill(ref: string): Promise<void>;
  close(): Promise<void>;
}

/** The tasks that a context must have: each is a shell script with the input folder in `$1`, the output folder in `$2`. */
export const RUNNER_SCRIPTS: Record<string, string> = {
  copy: 'cp "$1"/* "$2"/ && mkdir -p "$2/sub" && echo more >"$2/sub/more.txt"',
  say: 'echo "to stdout"; echo "{\\"level\\":\\"warn\\",\\"message\\":\\"as json\\"}"; echo "the reason" >&2; exit 65',
  env: 'env >"$2/env.txt"',
  sleep: 'echo up; exec sleep 600',
  write:
    'touch "$1/intruder" 2>/dev/null && echo "input is writable"; touch "$TMPDIR/x" "$LONGSHORE_CACHE/x" "$2/x"',
  link: 'ln -s /etc/hostname "$2/link.txt"',
  report:
    'mkdir "$2/.longshore"; echo "{\\"facts\\":{\\"n\\":1}}" >"$2/.longshore/report.json"; echo x >"$2/x"',
  /** Whatever its own environment says. */
  does: 'eval "$DOES"',
  badreport: 'mkdir "$2/.longshore"; echo "{not json" >"$2/.longshore/report.json"; echo x >"$2/x"',
};

const packOf = (task: string, members: LaunchMember[]): Launch => ({
  id: launchId(task, members, randomUUID()),
  run: 'contract',
  task,
  size: { vcpu: 1, memoryMiB: 256, diskGiB: 20 },
  spot: false,
  members,
  deadlineSeconds: 300,
});

export function describeTaskRunnerContract(
  name: string,
  makeContext: () => Promise<TaskRunnerContext>,
): void {
  describe(`${name} keeps the task runner contract`, () => {
    let context: TaskRunnerContext;
    let runner: TaskRunner;
    let count = 0;

    beforeAll(async () => {
      context = await makeContext();
      runner = context.runner;
    }, 60_000);
    afterAll(async () => {
      await context.close();
    }, 60_000);

    /** A launch of one job, and that job. */
    type Alone = Launch & Pick<LaunchMember, 'job' | 'attempt' | 'inputs'>;

    const memberOf = (task: string, more: Partial<LaunchMember> = {}): LaunchMember => {
      count += 1;
      return {
        job: `${task}-job-${String(count).padStart(4, '0')}`,
        attempt: 1,
        env: { LONGSHORE_TASK: task, AREA: 'europe/monaco' },
        inputs: [],
        deadlineSeconds: 300,
        ...more,
      };
    };
    const launchOf = (task: string, more: Partial<LaunchMember> = {}): Alone => {
      const member = memberOf(task, more);
      const { job, attempt, inputs } = member;
      return { ...packOf(task, [member]), job, attempt, inputs };
    };

    const withInput = async (task: string, content: string): Promise<Alone> => {
      const key = `${task}/input ${(count += 1)}.txt`;
      const { bytes, etag } = await context.uploads.put(key, content);
      return launchOf(task, { inputs: [{ key, name: 'input.txt', bytes, etag }] });
    };

    const start = async (launch: Launch, by: TaskRunner = runner): Promise<string> => {
      const outcome = await by.launch(launch);
      expect(outcome).toMatchObject({ outcome: 'started' });
      return outcome.outcome === 'started' ? outcome.ref : '';
    };

    /** Looks until it has stopped; the test's own timeout is the limit. */
    const ended = async (ref: string, by: TaskRunner = runner): Promise<TaskState> => {
      for (;;) {
        const [state] = await by.describe([ref]);
        if (state?.status === 'stopped') return state;
        await sleep(100);
      }
    };

    const recordOf = async ({ job, attempt }: { job: string; attempt: number }): Promise<AttemptRecord> =>
      AttemptRecord.parse(
        JSON.parse(await text(await context.staging.get(stagingKeys.record(job, attempt)))),
      );

    const outputOf = async (job: string, output: string): Promise<string> =>
      await text(await context.staging.get(stagingKeys.output(job, 1, output)));

    /** Until its command has said so. A stop before that may come before the runner script listens. */
    const atWork = async ({ job, attempt }: Pick<LaunchMember, 'job' | 'attempt'>): Promise<void> => {
      const key = stagingKeys.log(job, attempt);
      for (;;) {
        const found = await context.staging.head(key);
        if (found && (await text(await context.staging.get(key))).includes('"up"')) return;
        await sleep(50);
      }
    };

    test('a task reads its input, and its outputs are staged with their sums before it is told as stopped', async () => {
      const launch = await withInput('copy', 'hello');
      const state = await ended(await start(launch));
      expect(state).toMatchObject({ launch: launch.id, status: 'stopped', exitCode: 0 });
      expect(state.startedAt ?? 0).toBeLessThanOrEqual(state.stoppedAt ?? 0);
      const sum = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
      const record = await recordOf(launch);
      expect(record).toMatchObject({
        job: launch.job,
        attempt: 1,
        exit: { exitCode: 0 },
        inputs: [{ name: 'input.txt', bytes: 5, sha256: sum }],
        files: [
          { name: 'input.txt', bytes: 5, sha256: sum },
          { name: 'sub/more.txt', bytes: 5 },
        ],
      });
      expect(await outputOf(launch.job, 'input.txt')).toBe('hello');
      expect(await outputOf(launch.job, 'sub/more.txt')).toBe('more\n');
    }, 60_000);

    test('exit code, last line and log of a task that fails are kept', async () => {
      const launch = launchOf('say');
      const state = await ended(await start(launch));
      expect(state).toMatchObject({ status: 'stopped', exitCode: 65 });
      expect(await recordOf(launch)).toMatchObject({
        exit: { exitCode: 65, lastLine: 'the reason' },
        files: [],
      });
      const log = await text(await context.staging.get(stagingKeys.log(launch.job, 1)));
      const lines = log
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toHaveLength(3);
      const head = { time: expect.any(String), task: 'say' };
      const plain = { ...head, level: 'info', event: 'Process:Say:Line' };
      expect(lines).toContainEqual({ ...plain, stream: 'stdout', message: 'to stdout' });
      expect(lines).toContainEqual({ ...head, level: 'warn', message: 'as json' });
      expect(lines).toContainEqual({ ...plain, stream: 'stderr', message: 'the reason' });
    }, 60_000);

    test('parameters and places are in the environment, and nothing of ours is', async () => {
      process.env['LONGSHORE_TEST_SECRET'] = 'ours';
      const launch = launchOf('env', {
        env: { AREA: 'europe/monaco', COMMENT: 'two\nlines, "quotes" and $HOME', EMPTY: '' },
      });
      await ended(await start(launch));
      delete process.env['LONGSHORE_TEST_SECRET'];
      const env = await outputOf(launch.job, 'env.txt');
      expect(env).toContain('AREA=europe/monaco\n');
      expect(env).toContain('COMMENT=two\nlines, "quotes" and $HOME\n');
      expect(env).toMatch(/^EMPTY=$/m);
      expect(env).toMatch(/^TMPDIR=\//m);
      expect(env).not.toContain('LONGSHORE_TEST_SECRET');
    }, 60_000);

    test('a launch twice, one after the other or at once, is one task', async () => {
      const launch = launchOf('sleep');
      const refs = await Promise.all([start(launch), start(launch), start(launch, context.second)]);
      refs.push(await start(launch), await start(launch, context.second));
      expect(new Set(refs).size).toBe(1);
      const [ref] = refs;
      expect(await runner.describe([ref])).toMatchObject([{ ref, status: 'running' }]);
      await runner.stop(ref, 'enough');
      await ended(ref);
    }, 60_000);

    test('a running task is found by the next process, and its end too', async () => {
      const launch = launchOf('sleep');
      const ref = await start(launch);
      expect(await context.second.describe([ref])).toMatchObject([
        { ref, launch: launch.id, status: 'running' },
      ]);
      await context.second.stop(ref, 'enough');
      const [one, two] = await Promise.all([ended(ref), ended(ref, context.second)]);
      expect(one.status).toBe(two.status);
      expect(await recordOf(launch)).toMatchObject({ job: launch.job, attempt: 1 });
    }, 60_000);

    test('stop ends a task with SIGTERM, and says who wished it', async () => {
      const launch = launchOf('sleep');
      const ref = await start(launch);
      await atWork(launch);
      await runner.stop(ref, 'deadline of 5 s passed');
      const state = await ended(ref);
      expect(state).toMatchObject({ stopCode: 'UserInitiated', exitCode: 143 });
      expect(state.reason).toContain('deadline of 5 s passed');
      await expect(runner.stop(ref, 'again')).resolves.toBeUndefined();
      expect(await ended(ref)).toEqual(state);
    }, 60_000);

    test('a task that is killed from outside has stopped, with a reason, and stays so', async () => {
      const launch = launchOf('sleep');
      const ref = await start(launch);
      await context.kill(ref);
      const state = await ended(ref);
      expect(state.reason).toMatch(/outside/);
      expect((await recordOf(launch)).exit).toBeUndefined();
      await runner.clean(ref);
      expect(await runner.describe([ref])).toEqual([state]);
    }, 60_000);

    test.each([
      ['gone', 'input-missing', async (key: string) => await context.uploads.delete(key)],
      ['another one', 'input-changed', async (key: string) => await context.uploads.put(key, 'other!')],
      [
        'another one of the same size',
        'input-changed',
        async (key: string) => await context.uploads.put(key, 'HELLO'),
      ],
    ])(
      'a task whose input is %s by now does not start',
      async (_, cause, change) => {
        const launch = await withInput('copy', 'hello');
        await change(launch.inputs[0]?.key ?? '');
        const state = await ended(await start(launch));
        expect(state.startedAt).toBeUndefined();
        const { stageIn, exit, files } = await recordOf(launch);
        expect(exit).toBeUndefined();
        expect(files).toEqual([]);
        expect(stageIn).toMatchObject({ cause });
        expect(stageIn?.reason).toContain('input');
        expect(state.reason).toBe(stageIn?.reason);
      },
      60_000,
    );

    test('a wrong sum is another input', async () => {
      const launch = await withInput('copy', 'hello');
      const members = launch.members.map((member) => ({
        ...member,
        inputs: member.inputs.map((input) => ({ ...input, sha256: '0'.repeat(64) })),
      }));
      await ended(await start({ ...launch, members }));
      expect((await recordOf(launch)).stageIn).toMatchObject({ cause: 'input-changed' });
    }, 60_000);

    test('scratch, cache and output can be written', async () => {
      const launch = launchOf('write');
      expect(await ended(await start(launch))).toMatchObject({ exitCode: 0 });
      expect((await recordOf(launch)).files.map((file) => file.name)).toEqual(['x']);
    }, 60_000);

    test('a link that leads out of the output folder is not followed', async () => {
      const launch = launchOf('link');
      await ended(await start(launch));
      const { stageOut, files } = await recordOf(launch);
      expect(files).toEqual([]);
      expect(stageOut?.reason).toContain('link.txt is a link that leads out');
    }, 60_000);

    test('a report is read and not staged; a bad one is told', async () => {
      const good = launchOf('report');
      const bad = launchOf('badreport');
      await Promise.all([ended(await start(good)), ended(await start(bad))]);
      expect(await recordOf(good)).toMatchObject({ report: { facts: { n: 1 } }, files: [{ name: 'x' }] });
      const record = await recordOf(bad);
      expect(record.report).toBeUndefined();
      expect(record.reportError).toContain('is not JSON');
      expect(record.files.map((file) => file.name)).toEqual(['x']);
    }, 60_000);

    /** A member of a pack of `does`. */
    const doing = (DOES: string, more: Partial<LaunchMember> = {}): LaunchMember => {
      const member = memberOf('does', more);
      return { ...member, env: { ...member.env, LONGSHORE_JOB: member.job, DOES } };
    };
    const inputOf = async (content: string): Promise<LaunchMember['inputs']> => {
      const key = `does/input ${(count += 1)}.txt`;
      const { bytes, etag } = await context.uploads.put(key, content);
      return [{ key, name: 'input.txt', bytes, etag }];
    };
    test('of several jobs in one task each has its own input, environment, output, log and end', async () => {
      const members = [
        doing('cat "$1/input.txt" >"$2/out"; echo "$LONGSHORE_JOB" >>"$2/out"', {
          inputs: await inputOf('first\n'),
        }),
        doing('echo "no header" >&2; exit 65'),
        doing('kill -KILL $$'),
        doing('true', { inputs: [{ key: 'does/none.txt', name: 'none.txt', bytes: 1, etag: 'x' }] }),
        doing('echo waiting >&2; exec sleep 600', { deadlineSeconds: 1 }),
        doing('cat "$1/input.txt" >"$2/out"; ls -A "$TMPDIR" >"$2/seen"; echo x >"$LONGSHORE_CACHE/x"', {
          inputs: await inputOf('last\n'),
        }),
      ];
      const launch = packOf('does', members);
      const state = await ended(await start(launch));
      expect(state).toMatchObject({
        launch: launch.id,
        status: 'stopped',
        stopCode: 'EssentialContainerExited',
      });
      const records = await Promise.all(members.map(recordOf));
      expect(records.map(({ exit }) => exit?.exitCode)).toEqual([0, 65, 137, undefined, 143, 0]);
      expect(records[1]?.exit?.lastLine).toBe('no header');
      expect(records[3]).toMatchObject({ stageIn: { cause: 'input-missing' } });
      expect(records[3]).not.toHaveProperty('begunAt');
      expect(records[4]?.exit).toMatchObject({ deadline: true, lastLine: 'waiting' });
      for (const index of [0, 1, 2, 4, 5])
        expect(records[index]?.begunAt).toBeLessThanOrEqual(records[index]?.exit?.startedAt ?? 0);
      const [first, last] = [members[0]!, members[5]!];
      expect(await outputOf(first.job, 'out')).toBe(`first\n${first.job}\n`);
      expect(await outputOf(last.job, 'out')).toBe('last\n');
      expect(await outputOf(last.job, 'seen')).toBe('');
      expect(await text(await context.staging.get(stagingKeys.log(members[4]!.job, 1)))).toContain(
        '"waiting"',
      );
      await runner.clean(state.ref);
      await runner.clean(state.ref);
      expect(await context.second.describe([state.ref])).toEqual([state]);
    }, 60_000);

    test('a pack launched again, with fewer members too, is the same task', async () => {
      const members = [doing('echo up; exec sleep 600'), doing('true')];
      const launch = packOf('does', members);
      const refs = await Promise.all([start(launch), start(launch), start(launch, context.second)]);
      refs.push(await start({ ...launch, members: members.slice(1) }, context.second));
      expect(new Set(refs).size).toBe(1);
      await runner.stop(refs[0], 'enough');
      await ended(refs[0]);
    }, 60_000);

    test('a pack that is stopped ends the job at work, and says that the next was not reached', async () => {
      const members = [doing('echo done >"$2/out"'), doing('echo up; exec sleep 600'), doing('true')];
      const ref = await start(packOf('does', members));
      await atWork(members[1]!);
      await context.second.stop(ref, 'cancelled');
      expect(await ended(ref)).toMatchObject({ stopCode: 'UserInitiated', reason: 'Stopped: cancelled' });
      const records = await Promise.all(members.map(recordOf));
      expect(records.map(({ exit, begunAt }) => [exit?.exitCode, begunAt !== undefined])).toEqual([
        [0, true],
        [143, true],
        [undefined, false],
      ]);
      expect(records[0]?.files).toMatchObject([{ name: 'out' }]);
    }, 60_000);

    test('a pack that is killed from outside tells who was done, who was at work, and who was not reached', async () => {
      const members = [doing('echo done >"$2/out"'), doing('echo up; exec sleep 600'), doing('true')];
      const ref = await start(packOf('does', members));
      await atWork(members[1]!);
      await context.kill(ref);
      expect((await ended(ref)).reason).toMatch(/outside/);
      const records = await Promise.all(members.map(recordOf));
      expect(records.map(({ exit, begunAt }) => [exit?.exitCode, begunAt !== undefined])).toEqual([
        [0, true],
        [undefined, true],
        [undefined, false],
      ]);
    }, 60_000);

    test('a pack none of whose inputs are there does not start', async () => {
      const inputs = [{ key: 'does/none.txt', name: 'none.txt', bytes: 1, etag: 'x' }];
      const members = [doing('true', { inputs }), doing('true', { inputs })];
      const state = await ended(await start(packOf('does', members)));
      expect(state.startedAt).toBeUndefined();
      for (const member of members)
        expect(await recordOf(member)).toMatchObject({ stageIn: { cause: 'input-missing' } });
    }, 60_000);

    test('refs that nobody knows are left out', async () => {
      expect(await runner.describe(['longshore-00000000-nothing-1', 'arn:aws:ecs:x'])).toEqual([]);
      await expect(runner.stop('longshore-00000000-nothing-1', 'x')).resolves.toBeUndefined();
      await expect(runner.clean('longshore-00000000-nothing-1')).resolves.toBeUndefined();
      await expect(
        runner.skip('longshore-00000000-nothing-1', { job: 'nothing', attempt: 1 }),
      ).resolves.toBeUndefined();
    });

    test('a task that nobody knows is refused', async () => {
      expect(await runner.launch(launchOf('unheard-of'))).toMatchObject({ outcome: 'refused' });
    });
  });
}
