/** Containers and host processes, by the contract and in what only they can do wrong. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askEngine, findEngine, type EngineSearch } from '../../lib/local/engine.ts';
import { openHome, type Home } from '../../lib/local/home.ts';
import { launchDir, parseRef } from '../../lib/local/refs.ts';
import type { AttemptRecord } from '../../lib/pipeline/attempt-record.ts';
import type { Launch, LaunchMember, TaskState } from '../../lib/ports.ts';
import { describeTaskRunnerContract, RUNNER_SCRIPTS, type TaskRunnerContext } from './task-runner.suite.ts';
import { quietLog } from './support/quiet-log.ts';
import { SHELL_IMAGE, shellTask } from './support/shell-task.ts';
import { tempFolder } from './support/temp.ts';

const NO_ENGINE: EngineSearch = { tried: ['not in this test'] };

const scripts: Record<string, string> = {
  ...RUNNER_SCRIPTS,
  hungry: 'echo "reading" >&2; tail /dev/zero; echo "tail was killed" >&2; exit 1',
  whoami:
    'id -u >"$2/uid"; cat /proc/self/status >"$2/status"; ls /sys/class/net >"$2/net"; touch /x 2>"$2/root" || true',
  stubborn: 'trap "" TERM; (trap "" TERM; exec sleep 600) & echo "up"; wait; wait; sleep 600',
  orphan: 'sleep 600 & echo $! >"$2/orphan"; echo up; wait',
};
const tasks = new Map(Object.entries(scripts).map(([name, script]) => [name, shellTask(name, script)]));
tasks.set('noimage', shellTask('noimage', 'true', { image: 'longshore/there-is-no-such-image' }));
tasks.set(
  'notools',
  shellTask('notools', 'true', {
    host: { command: ['true'], tools: { sh: 'dash', osmium9: 'osmium-tool', gdal9: 'gdal-bin' } },
  }),
);
tasks.set(
  'badcheck',
  shellTask('badcheck', 'true', {
    host: {
      command: ['true'],
      tools: {},
      check: [
        'sh',
        '-c',
        'echo "{\\"missing\\":[\\"jar: x\\"],\\"install\\":\\"apt-get install x\\"}"; exit 1',
      ],
    },
  }),
);
const secrets = { CONTRACT_TOKEN: 'Token of nobody' };
tasks.set('secret', shellTask('secret', 'echo "$CONTRACT_TOKEN" >"$2/token.txt"', { secrets }));
/** What `fetch` did is there for the command. */
tasks.set(
  'fetching',
  shellTask('fetching', 'cat "$TMPDIR/fetched" >"$2/out"; echo "made" >&2; eval "$DOES"', {
    fetch: {
      command: ['sh', '-c', 'echo up; eval "$FETCH" && echo "$0 it\'s here" >"$TMPDIR/fetched"', "a 'b'"],
      isNeeded: () => true,
      expectedSeconds: () => 1,
    },
  }),
);
tasks.set('nohost', Object.assign(shellTask('nohost', 'true'), { host: undefined }));

interface Local extends TaskRunnerContext {
  home: Home;
}

async function open_(engine: EngineSearch, kill: (home: Home, ref: string) => Promise<void>): Promise<Local> {
  const temp = await tempFolder('runner');
  const options = { dir: join(temp.path, 'home'), tasks, log: quietLog(), engine, settings: {} };
  const home = await openHome(options);
  const other = await openHome(options);
  return {
    home,
    runner: home.runner,
    second: other.runner,
    uploads: home.ctx.stores.uploads,
    staging: home.ctx.stores.staging,
    kill: async (ref) => await kill(home, ref),
    close: async () => {
      home.close();
      other.close();
      if (engine.engine) {
        const label = `label=longshore.home=${home.id}`;
        const { stdout } = await askEngine(engine.engine.kind, ['ps', '--all', '--quiet', '--filter', label]);
        const ids = stdout.split('\n').filter((id) => id !== '');
        if (ids.length > 0) await askEngine(engine.engine.kind, ['rm', '--force', '--time=0', ...ids]);
      }
      await temp.remove();
    },
  };
}

const openHost = async (): Promise<Local> =>
  await open_(NO_ENGINE, async (home, ref) => {
    process.kill(await leaderOf(home, ref), 'SIGKILL');
  });

async function leaderOf(home: Home, ref: string): Promise<number> {
  const name = parseRef(home.id, ref);
  if (name === undefined) throw new Error(ref);
  const line = await readFile(join(launchDir(join(home.dir, 'work'), name), 'control', 'pid'), 'utf8');
  return Number(line.split(' ')[1]);
}

const launch = (task: string, job: string, more: Partial<LaunchMember> = {}): Launch => ({
  id: `${job}/1`,
  run: 'local',
  task,
  size: { vcpu: 1, memoryMiB: 128, diskGiB: 20 },
  spot: false,
  members: [{ job, attempt: 1, env: {}, inputs: [], deadlineSeconds: 300, ...more }],
  deadlineSeconds: 300,
});

/** Jobs of `does`, each by what it does. */
const pack = (id: string, ...does: string[]): Launch => ({
  ...launch('does', id),
  id: `pack/does-${id.padStart(12, '0')}`,
  members: does.map((DOES, index) => ({
    job: `pack-${id}-${index}`,
    attempt: 1,
    env: { DOES },
    inputs: [],
    deadlineSeconds: 300,
  })),
});

async function ended({ runner }: TaskRunnerContext, ref: string): Promise<TaskState> {
  for (;;) {
    const [state] = await runner.describe([ref]);
    if (state?.status === 'stopped') return state;
    await sleep(100);
  }
}

async function started(context: TaskRunnerContext, what: Launch): Promise<string> {
  const outcome = await context.runner.launch(what);
  if (outcome.outcome !== 'started') throw new Error(outcome.reason);
  return outcome.ref;
}

const work = ({ home }: Local, job: string, ...names: string[]): string =>
  join(home.dir, 'work', job, '1', ...names);

/** Until the task has logged that it is at work. */
async function atWork(context: Local, job: string): Promise<void> {
  for (;;) {
    const log = await readFile(work(context, job, 'control', 'log.jsonl'), 'utf8').catch(() => '');
    if (log.includes('"up"')) return;
    await sleep(50);
  }
}

function describeBoth(name: string, make: () => Promise<Local>): void {
  describe(`${name} on this machine`, () => {
    let context: Local;
    beforeAll(async () => {
      context = await make();
    }, 60_000);
    afterAll(async () => {
      await context.close();
    }, 60_000);

    test('tells of an end by itself', async () => {
      const told = new Promise<TaskState>((resolve) => context.home.runner.onStopped(resolve));
      const ref = await started(context, launch('say', 'told'));
      expect(await told).toMatchObject({ ref, status: 'stopped', exitCode: 65 });
    }, 60_000);

    test('tells of an end before the start by itself', async () => {
      const told = new Promise<TaskState>((resolve) => context.home.runner.onStopped(resolve));
      const inputs = [{ key: 'copy/none.txt', name: 'none.txt', bytes: 1, etag: 'x' }];
      const ref = await started(context, launch('copy', 'told-missing', { inputs }));
      expect(await told).toMatchObject({ ref, status: 'stopped' });
    }, 60_000);

    test('an input that is rewritten in place while the job runs is a changed input', async () => {
      const { bytes, etag } = await context.uploads.put('sleep/in.txt', 'version 1');
      const inputs = [{ key: 'sleep/in.txt', name: 'in.txt', bytes, etag }];
      const ref = await started(context, launch('sleep', 'rewritten', { inputs }));
      const file = await open(join(context.home.dir, 'uploads', 'sleep', 'in.txt'), 'r+');
      await file.write('VERSION 2', 0);
      await file.close();
      await context.runner.stop(ref, 'enough');
      await ended(context, ref);
      const record = JSON.parse(
        await readFile(work(context, 'rewritten', 'attempt.json'), 'utf8'),
      ) as unknown;
      expect(record).toMatchObject({ stageIn: { cause: 'input-changed' } });
    }, 60_000);

    test('stage-out that was cut off is done again, and told once it is done', async () => {
      const { bytes, etag } = await context.uploads.put('copy/cut-off.txt', 'x');
      const inputs = [{ key: 'copy/cut-off.txt', name: 'cut-off.txt', bytes, etag }];
      const ref = await started(context, launch('copy', 'cut-off', { inputs }));
      const before = await ended(context, ref);
      const record = await readFile(work(context, 'cut-off', 'attempt.json'), 'utf8');
      // As a kill leaves it that comes after the end, and before anything was written about it.
      await rm(work(context, 'cut-off', 'runner', 'end.json'));
      await rm(work(context, 'cut-off', 'attempt.json'));
      expect(await context.second.describe([ref])).toEqual([before]);
      expect(await readFile(work(context, 'cut-off', 'attempt.json'), 'utf8')).toBe(record);
    }, 60_000);

    test('a secret comes from the environment, and is asked for by name where it is not there', async () => {
      const refused = await context.runner.launch(launch('secret', 'no-secret'));
      expect(refused.outcome).toBe('refused');
      expect(JSON.stringify(refused)).toContain('secret needs CONTRACT_TOKEN (Token of nobody)');
      process.env['CONTRACT_TOKEN'] = 'not to be told';
      const ref = await started(context, launch('secret', 'with-secret'));
      delete process.env['CONTRACT_TOKEN'];
      await ended(context, ref);
      expect(await readFile(work(context, 'with-secret', 'output', 'token.txt'), 'utf8')).toBe(
        'not to be told\n',
      );
      const { stdout } = await execa('grep', ['-rl', 'not to be told', context.home.dir], { reject: false });
      expect(stdout.split('\n')).toEqual([work(context, 'with-secret', 'output', 'token.txt')]);
    }, 60_000);

    test('a member of a pack that need not begin any more is passed over', async () => {
      const ref = await started(context, pack(`5c1b`, 'echo up; sleep 1', 'true', 'true'));
      const jobs = [0, 1, 2].map((index) => `pack-5c1b-${index}`);
      await atWork(context, jobs[0]!);
      await context.second.skip(ref, { job: jobs[1]!, attempt: 1 });
      await ended(context, ref);
      const begun = await Promise.all(
        jobs.map(
          async (job) =>
            'begunAt' in (JSON.parse(await readFile(work(context, job, 'attempt.json'), 'utf8')) as object),
        ),
      );
      expect(begun).toEqual([true, false, true]);
    }, 60_000);

    test('one of which nothing can be told counts as running, and keeps nobody from knowing of the others', async () => {
      const broken = await started(context, launch('say', 'broken'));
      const good = await started(context, launch('say', 'good'));
      await ended(context, broken);
      await ended(context, good);
      await writeFile(work(context, 'broken', 'runner', 'end.json'), '{"ref":');
      expect(await context.runner.describe([broken, good])).toMatchObject([
        { ref: broken, status: 'running' },
        { ref: good, status: 'stopped' },
      ]);
    }, 60_000);

    test('an hour by which the clock was set on is no hour that a task ran', async () => {
      const ref = await started(context, launch('sleep', 'clock'));
      const later = Date.now() + 3_600_000;
      jest.spyOn(Date, 'now').mockReturnValue(later);
      const [state] = await context.second.describe([ref]);
      jest.restoreAllMocks();
      await context.runner.stop(ref, 'enough');
      expect(state).toMatchObject({ status: 'running' });
      expect(later - (state?.startedAt ?? 0)).toBeLessThan(600_000);
      await ended(context, ref);
    }, 60_000);

    test('clean takes away inputs and scratch, and leaves outputs and log', async () => {
      const { bytes, etag } = await context.uploads.put('copy/clean.txt', 'x');
      const inputs = [{ key: 'copy/clean.txt', name: 'clean.txt', bytes, etag }];
      const ref = await started(context, launch('copy', 'clean', { inputs }));
      await ended(context, ref);
      await context.runner.clean(ref);
      await context.runner.clean(ref);
      expect((await readdir(work(context, 'clean'))).toSorted()).toEqual([
        'attempt.json',
        'control',
        'output',
        'runner',
      ]);
    }, 60_000);
  });
}

describeTaskRunnerContract('The host runner', openHost);
describeBoth('The host runner', openHost);

describe('The host runner', () => {
  let context: Local;
  beforeAll(async () => {
    context = await openHost();
  });
  afterAll(async () => {
    await context.close();
  });

  test('names each tool that is missing, with its Debian package', async () => {
    const outcome = await context.runner.launch(launch('notools', 'notools'));
    expect(outcome).toMatchObject({ outcome: 'refused' });
    const { reason } = outcome as { reason: string };
    expect(reason).toContain(
      'osmium9 (Debian package osmium-tool), gdal9 (Debian package gdal-bin) are missing',
    );
    expect(reason).toContain('sudo apt-get install osmium-tool gdal-bin');
    expect(reason).toContain('not in this test');
  });

  test('says what the task itself finds missing', async () => {
    const outcome = await context.runner.launch(launch('badcheck', 'badcheck'));
    expect(outcome).toMatchObject({ outcome: 'refused' });
    expect((outcome as { reason: string }).reason).toContain(
      'missing: jar: x; install them with: apt-get install x',
    );
  });

  test('says that a task without a host command needs an engine', async () => {
    const outcome = await context.runner.launch(launch('nohost', 'nohost'));
    expect(outcome).toMatchObject({ outcome: 'refused' });
    expect((outcome as { reason: string }).reason).toContain('runs in a container only');
  });

  test('kills what a killed leader leaves behind before the job is tried again', async () => {
    const ref = await started(context, launch('orphan', 'orphan'));
    await atWork(context, 'orphan');
    const orphan = Number(await readFile(work(context, 'orphan', 'output', 'orphan'), 'utf8'));
    expect(process.kill(orphan, 0)).toBe(true);
    await context.kill(ref);
    await ended(context, ref);
    for (;;) {
      const state = await readFile(`/proc/${orphan}/stat`, 'utf8').catch(() => '');
      if (state === '' || / [ZX] /.test(state)) break;
      await sleep(20);
    }
  }, 60_000);

  test('takes a number that went to another process for what it is', async () => {
    const ref = await started(context, launch('say', 'recycled'));
    await ended(context, ref);
    await mkdir(work(context, 'recycled', 'control'), { recursive: true });
    // This test's own process, with another start time: alive, and not ours.
    const line = await readFile('/proc/self/stat', 'utf8');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const fields = line.trim().split(' ');
    fields[21] = '1';
    await writeFile(work(context, 'recycled', 'control', 'pid'), `${boot} ${fields.join(' ')}\n`);
    await rm(work(context, 'recycled', 'runner', 'end.json'));
    await context.runner.stop(ref, 'must not reach us');
    expect(await ended(context, ref)).toMatchObject({ status: 'stopped', exitCode: 65 });
  }, 60_000);
});

const engine = await usableEngine();

if (engine.engine) {
  const { kind } = engine.engine;
  const openEngine = async (): Promise<Local> =>
    await open_(engine, async (_, ref) => {
      await execa(kind, ['kill', ref]);
    });
  describeTaskRunnerContract(`The ${kind} runner`, openEngine);
  describeBoth(`The ${kind} runner`, openEngine);

  describe(`The ${kind} runner`, () => {
    let context: Local;
    beforeAll(async () => {
      context = await openEngine();
    }, 60_000);
    afterAll(async () => {
      await context.close();
    }, 60_000);

    const start = async (job: string, env: Record<string, string>): Promise<string> =>
      await started(context, launch('fetching', job, { env, fetch: true }));
    const recordOf = async (job: string): Promise<AttemptRecord> =>
      JSON.parse(await readFile(work(context, job, 'attempt.json'), 'utf8')) as AttemptRecord;

    describe('where the task fetches in a step of its own', () => {
      test('says so when that is done, and goes on with the command in the same container', async () => {
        const ref = await start('fetch-1', { FETCH: 'sleep 1', DOES: 'exec sleep 600' });
        await atWork(context, 'fetch-1');
        for (let fetched; !fetched;) {
          const [state] = await context.runner.describe([ref]);
          expect(state?.status).toBe('running');
          fetched = state?.fetched;
          await sleep(100);
        }
        await context.runner.stop(ref, 'enough');
        await ended(context, ref);
        expect((await recordOf('fetch-1')).exit).toMatchObject({ exitCode: 143, lastLine: 'made' });
      }, 60_000);

      test('its outputs, log and times are of both', async () => {
        await ended(context, await start('fetch-2', { FETCH: 'sleep 2', DOES: 'true' }));
        expect(await readFile(work(context, 'fetch-2', 'output', 'out'), 'utf8')).toBe("a 'b' it's here\n");
        const { exit } = await recordOf('fetch-2');
        expect((exit?.endedAt ?? 0) - (exit?.startedAt ?? 0)).toBeGreaterThanOrEqual(1000);
        const log = await readFile(work(context, 'fetch-2', 'control', 'log.jsonl'), 'utf8');
        expect(log).toMatch(/"up".*\n.*"made"/);
      }, 60_000);

      test('its failure is the end, with its own words, and the command does not start', async () => {
        const FETCH = 'echo "mirror is down" >&2; exit 75';
        const state = await ended(context, await start('fetch-3', { FETCH, DOES: 'true' }));
        expect(state).toMatchObject({ exitCode: 75 });
        expect(state.fetched).toBeUndefined();
        expect((await recordOf('fetch-3')).exit).toMatchObject({ exitCode: 75, lastLine: 'mirror is down' });
      }, 60_000);

      test('a stop ends it', async () => {
        const ref = await start('fetch-4', { FETCH: 'exec sleep 600', DOES: 'true' });
        await atWork(context, 'fetch-4');
        await context.runner.stop(ref, 'enough');
        expect(await ended(context, ref)).toMatchObject({ stopCode: 'UserInitiated', exitCode: 143 });
      }, 60_000);
    });

    test('an image that is not there is refused, with the command that makes it', async () => {
      const outcome = await context.runner.launch(launch('noimage', 'noimage'));
      expect(outcome).toMatchObject({ outcome: 'refused' });
      expect((outcome as { reason: string }).reason).toContain('longshore image build noimage');
    });

    test('a launch that was cut short after its container had ended does not start it again', async () => {
      const what = launch('does', 'cut', { env: { DOES: 'echo >>"$LONGSHORE_CACHE/cut"' } });
      const ref = await started(context, what);
      await ended(context, ref);
      await rm(work(context, 'cut', 'runner'), { recursive: true });
      expect(await context.second.launch(what)).toEqual({ outcome: 'started', ref });
      await ended(context, ref);
      expect(await readFile(join(context.home.dir, 'cache', 'does', 'cut'), 'utf8')).toBe('\n');
    }, 60_000);

    test('memory is limited, and its end is told as such', async () => {
      const ref = await started(context, launch('hungry', 'hungry'));
      const state = await ended(context, ref);
      const record = JSON.parse(await readFile(work(context, 'hungry', 'attempt.json'), 'utf8')) as {
        exit?: { oomKills?: number; peakMemoryBytes?: number };
      };
      expect(state.outOfMemory === true || (record.exit?.oomKills ?? 0) > 0).toBe(true);
      expect(record.exit?.peakMemoryBytes ?? 0).toBeLessThanOrEqual(128 * 1024 * 1024);
    }, 60_000);

    test('a pack whose member runs out of memory goes on, and only that member has the kill', async () => {
      const ref = await started(
        context,
        pack('00a', 'head -c 20000000 /dev/zero | tail -c 20000000 >/dev/null', 'tail /dev/zero', 'true'),
      );
      await ended(context, ref);
      const exits = await Promise.all(
        [0, 1, 2].map(async (index) => {
          const record = await readFile(work(context, `pack-00a-${index}`, 'attempt.json'), 'utf8');
          return (JSON.parse(record) as AttemptRecord).exit!;
        }),
      );
      expect(exits.map(({ exitCode, oomKills }) => [exitCode, oomKills])).toEqual([
        [0, 0],
        [137, 1],
        [0, 0],
      ]);
      // The first one's and the second one's own marks; the third one's is lower than the second one's.
      expect(exits[0]!.peakMemoryBytes).toBeGreaterThan(20_000_000);
      expect(exits[1]!.peakMemoryBytes).toBeGreaterThan(120_000_000);
      expect(exits[2]!.peakMemoryBytes).toBeUndefined();
    }, 60_000);

    test('a pack sees the folders of its members, and leaves nothing of one in /tmp for the next', async () => {
      await context.runner.launch(pack('0b0', 'echo other >"$2/secret"'));
      const ref = await started(
        context,
        pack(
          '0b1',
          'find /longshore -name secret >"$2/found"; ls /longshore /longshore/members >"$2/ls"; echo x >/tmp/x; sleep 600 &',
          'ls -A /tmp >"$2/tmp"; grep -h "^State" /proc/[0-9]*/status | wc -l >"$2/processes"; touch "$1/x" 2>"$2/input" || true',
        ),
      );
      await ended(context, ref);
      const output = async (index: number, file: string): Promise<string> =>
        await readFile(work(context, `pack-0b1-${index}`, 'output', file), 'utf8');
      expect(await output(0, 'found')).toBe('');
      expect(await output(0, 'ls')).toBe(
        '/longshore:\ncache\ncontrol\nmembers\n\n/longshore/members:\n1\n2\n',
      );
      expect(await output(1, 'tmp')).toBe('');
      // pack.sh, run.sh, its two pumps with sed and dd, its watch, the command: no sleep of the first one's.
      expect(Number(await output(1, 'processes'))).toBeLessThan(16);
      expect(await output(1, 'input')).toContain('Read-only file system');
    }, 60_000);

    test('it runs as us, without capabilities, network or a root that it could write to', async () => {
      const ref = await started(context, launch('whoami', 'whoami'));
      expect(await ended(context, ref)).toMatchObject({ exitCode: 0 });
      const output = async (file: string) => await readFile(work(context, 'whoami', 'output', file), 'utf8');
      expect(Number(await output('uid'))).toBe(process.getuid?.());
      expect(await output('status')).toMatch(/^CapEff:\s+0+$/m);
      expect(await output('status')).toMatch(/^NoNewPrivs:\s+1$/m);
      expect((await output('net')).trim()).toBe('lo');
      expect(await output('root')).toContain('Read-only file system');
    }, 60_000);

    test('the digest of the image that ran is kept', async () => {
      const ref = await started(context, launch('say', 'digest'));
      await ended(context, ref);
      const record = JSON.parse(await readFile(work(context, 'digest', 'attempt.json'), 'utf8')) as unknown;
      expect(record).toMatchObject({ imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    }, 60_000);

    test('a container whose monitor was killed can be stopped', async () => {
      const ref = await started(context, launch('sleep', 'unmonitored'));
      const format = '{{.State.ConmonPid}}';
      const monitor = Number((await askEngine(kind, ['inspect', '--format', format, ref])).stdout);
      // Docker's does it another way.
      if (monitor > 0) process.kill(monitor, 'SIGKILL');
      await context.runner.stop(ref, 'enough');
      expect(await ended(context, ref)).toMatchObject({ stopCode: 'UserInitiated' });
    }, 60_000);

    test('a container that is removed from outside has stopped, with a reason', async () => {
      const ref = await started(context, launch('stubborn', 'removed'));
      await atWork(context, 'removed');
      await askEngine(kind, ['kill', ref]);
      await askEngine(kind, ['rm', '--force', ref]);
      expect((await ended(context, ref)).reason).toMatch(/outside/);
    }, 90_000);
  });
} else {
  const why = engine.tried.join('; ');
  console.warn(`The engine runner is not tested: ${why}`);
  // oxlint-disable-next-line jest/no-disabled-tests, jest/expect-expect -- its name says why
  test.skip(`The engine runner (${why})`, () => {});
}

/** An engine that has the image; these tests do not download one. */
async function usableEngine(): Promise<EngineSearch> {
  const found = await findEngine();
  if (!found.engine) return found;
  const { exitCode } = await askEngine(found.engine.kind, ['image', 'inspect', SHELL_IMAGE]);
  if (exitCode === 0) return found;
  return {
    tried: [...found.tried, `there is no image ${SHELL_IMAGE}: ${found.engine.kind} pull ${SHELL_IMAGE}`],
  };
}
