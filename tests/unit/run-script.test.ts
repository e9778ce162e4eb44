/** The runner script, in every shell that this machine has of those that images have. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitRecord } from '../../lib/pipeline/attempt-record.ts';
import { RUN_SCRIPT } from '../../lib/stage/layout.ts';

/** With busybox its own small tools are used too, as in an Alpine image. */
const SHELLS: [string, string[]][] = [
  ['dash', ['dash']],
  ['busybox sh', ['busybox', 'sh']],
  ['bash', ['bash']],
];

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/) as unknown;

/** A line of plain text, as it is logged. */
const said = (message: string): Record<string, unknown> => ({
  time: TIME,
  level: 'info',
  event: 'Process:Say:Line',
  stream: 'stdout',
  message,
});

/** Until its command listens to signals. */
async function saysUp(control: string): Promise<void> {
  while (!(await readFile(join(control, 'log.jsonl'), 'utf8').catch(() => '')).includes('up'))
    await sleep(20);
}

const isThere = (command: string): boolean =>
  spawnSync(command, ['--help'], { stdio: 'ignore' }).error === undefined;

describe.each(SHELLS)('run.sh under %s', (name, [command = '', ...shellArgs]) => {
  const testHere = isThere(command) ? test : test.skip;
  if (!isThere(command))
    console.warn(`run.sh is not tested under ${name}: it is not installed (apt-get install ${command})`);
  let root: string;
  let count = 0;
  const env: NodeJS.ProcessEnv = { ...process.env };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'longshore-run-'));
    if (command !== 'busybox') return;
    const bin = join(root, 'bin');
    await mkdir(bin);
    spawnSync('busybox', ['--install', '-s', bin]);
    env['PATH'] = bin;
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  interface Ended {
    code: number | null;
    /** Ends with the last process that holds it. */
    stdout: Promise<string>;
    exit: ExitRecord;
    log: Record<string, unknown>[];
    files: string[];
  }

  const begin = async (args: string[], more: NodeJS.ProcessEnv = {}, next?: string) => {
    const control = join(root, `control ${(count += 1)}`);
    await mkdir(control);
    if (next !== undefined) await writeFile(join(control, 'next.sh'), next);
    await copyFile(RUN_SCRIPT, join(control, 'run.sh'));
    const shell = spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim();
    const child = spawn(shell, [...shellArgs, join(control, 'run.sh'), ...args], {
      env: { ...env, LONGSHORE_CGROUP: '', ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout = text(child.stdout);
    child.stderr.resume();
    const ended = (async (): Promise<Ended> => {
      const [code] = (await once(child, 'exit')) as [number | null];
      const lines = (await readFile(join(control, 'log.jsonl'), 'utf8').catch(() => ''))
        .split('\n')
        .slice(0, -1);
      return {
        code,
        stdout,
        exit: ExitRecord.parse(JSON.parse(await readFile(join(control, 'exit.json'), 'utf8'))),
        log: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
        files: (await readdir(control)).toSorted(),
      };
    })();
    return { child, control, ended };
  };
  const run = async (script: string, more: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    await (
      await begin(['sh', '-c', script, 'sh', 'INPUT', 'OUTPUT'], more)
    ).ended;

  testHere('passes the arguments on, and leaves an exit record and a log, and nothing else', async () => {
    const { code, exit, log, files } = await run('echo "$1 $2"; cat');
    expect(code).toBe(0);
    expect(exit).toMatchObject({ exitCode: 0 });
    expect(exit.startedAt).toBeLessThanOrEqual(exit.endedAt);
    expect(new Date(exit.startedAt).getUTCFullYear()).toBeGreaterThanOrEqual(2024);
    expect(log).toEqual([said('INPUT OUTPUT')]);
    expect(files).toEqual(['exit.json', 'log.jsonl', 'run.sh']);
  });

  testHere.each([0, 1, 65, 75, 137, 255])('exits with the code %i of the command', async (expected) => {
    const { code, exit } = await run(`exit ${expected}`);
    expect({ code, recorded: exit.exitCode }).toEqual({ code: expected, recorded: expected });
  });

  testHere('goes on with next.sh, in its place, when the command went well, and only then', async () => {
    const next = 'echo "next: $LONGSHORE_CGROUP"; exit 3\n';
    const well = await (await begin(['sh', '-c', 'echo first'], { LONGSHORE_CGROUP: '/c' }, next)).ended;
    expect(well).toMatchObject({ code: 3, exit: { exitCode: 0 } });
    expect(await well.stdout).toMatch(/first.*\nnext: \/c\n$/);
    const badly = await (await begin(['sh', '-c', 'exit 75'], {}, next)).ended;
    expect(badly).toMatchObject({ code: 75, exit: { exitCode: 75 } });
    expect(await badly.stdout).not.toContain('next');
  });

  testHere('does not go on when it was to stop', async () => {
    const script = 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done';
    const { child, control, ended } = await begin(['sh', '-c', script], {}, 'exit 3\n');
    await saysUp(control);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, exit: { exitCode: 0 } });
  });

  testHere('tells a command that is not there, and one that a signal ended', async () => {
    const missing = await (await begin(['/no/such/command'])).ended;
    expect(missing).toMatchObject({ code: 127, exit: { exitCode: 127 } });
    expect(missing.exit.lastLine).toContain('/no/such/command');
    expect(await run('kill -KILL $$')).toMatchObject({ code: 137, exit: { exitCode: 137 } });
  });

  testHere('every line becomes one JSON object, whatever is in it', async () => {
    const script = String.raw`printf '%s\n' 'quotes " and \ backslash \n' '{not json}' '{"a": "json"}'; printf 'tab\there\r\n'; printf '\033[1mbold\007\n'; printf 'bad \377 utf8\n'; printf '{"tab": "\t"}\n'; printf 'nul\000nul\n'; echo 'Zürich 🗺'; echo '  '; printf 'no newline'`;
    const { log, stdout } = await run(script);
    expect(log).toEqual([
      said(String.raw`quotes " and \ backslash \n`),
      said('{not json}'),
      { time: TIME, level: 'info', a: 'json' },
      said('tab\there'),
      said('\u001b[1mbold\ufffd'),
      said('bad \ufffd utf8'),
      said('{"tab": "\t"}'),
      said('nulnul'),
      said('Zürich 🗺'),
      said('no newline'),
    ]);
    expect(
      (await stdout)
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(log);
  });

  testHere('every line says which job it is of; what the command says itself counts more', async () => {
    const { log } = await run(
      String.raw`echo plain; echo '{"event": "A:B:C", "level": "warn", "run": "mine"}'`,
      {
        LONGSHORE_JOB: 'job-1',
        LONGSHORE_RUN: 'drop-1',
        LONGSHORE_TASK: 'copy',
        LONGSHORE_ATTEMPT: '2',
        LONGSHORE_NAME: String.raw`a/"b" & \c`,
      },
    );
    const job = { job: 'job-1', task: 'copy', attempt: 2, name: String.raw`a/"b" & \c` };
    expect(log).toEqual([
      { ...said('plain'), ...job, run: 'drop-1' },
      { time: TIME, ...job, event: 'A:B:C', level: 'warn', run: 'mine' },
    ]);
  });

  testHere.each([
    [
      'a sentence',
      'echo first >&2; echo "The mirror is down: try later" >&2; echo out',
      'The mirror is down: try later',
    ],
    ['one without a newline', 'printf "a \\"quoted\\" \\\\ reason" >&2', 'a "quoted" \\ reason'],
    ['one with blank lines after it', 'printf "reason\\n\\n  \\n" >&2', 'reason'],
    ['JSON', `echo '{"level":"error","message":"why"}' >&2`, '{"level":"error","message":"why"}'],
    [
      'a very long one, cut',
      'dd if=/dev/zero bs=1000 count=5 2>/dev/null | tr "\\000" x >&2',
      'x'.repeat(2000),
    ],
    ['none', 'echo out', undefined],
  ])('keeps the last line of stderr: %s', async (_, script, expected) => {
    expect((await run(`${script}; exit 1`)).exit.lastLine).toBe(expected);
  });

  testHere(
    'output larger than any pipe arrives whole and in order, both streams at once',
    async () => {
      const { code, log } = await run(
        `many() { for i in 1 2 3 4; do seq 1 20000; done; }
       many & { many; yes "$(printf "%09000d" 7)" | head -n 100; } >&2; wait`,
      );
      expect(code).toBe(0);
      const of = (stream: string) =>
        log.filter((line) => line['stream'] === stream).map((line) => line['message']);
      const numbers = Array.from({ length: 4 }, () =>
        Array.from({ length: 20_000 }, (_, index) => String(index + 1)),
      );
      expect(of('stdout')).toEqual(numbers.flat());
      expect(of('stderr').filter((message) => String(message).length < 9000)).toEqual(numbers.flat());
      expect(of('stderr').filter((message) => String(message).length === 9000)).toHaveLength(100);
    },
    60_000,
  );

  testHere('a line can be read while the command still runs', async () => {
    const { control, child, ended } = await begin(['sh', '-c', 'echo now; exec sleep 600']);
    while (!(await readFile(join(control, 'log.jsonl'), 'utf8').catch(() => '')).includes('now'))
      await sleep(20);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143 });
  });

  testHere('passes SIGTERM on, waits for the end, and logs the last words', async () => {
    const { child, control, ended } = await begin([
      'sh',
      '-c',
      'trap "echo stopping >&2; exit 9" TERM; echo up; while :; do sleep 0.1; done',
    ]);
    await saysUp(control);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 9, exit: { exitCode: 9, lastLine: 'stopping' } });
  });

  testHere('a second SIGTERM does not make it leave its command behind', async () => {
    const { child, control, ended } = await begin([
      'sh',
      '-c',
      'trap "echo again >&2" TERM; echo up; i=0; while [ $i -lt 10 ]; do sleep 0.1; i=$((i + 1)); done; exit 3',
    ]);
    await saysUp(control);
    child.kill('SIGTERM');
    await sleep(50);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 3, exit: { exitCode: 3 } });
  });

  testHere(
    'does not wait for ever for what the command left running',
    async () => {
      const { code, exit, log } = await run('sleep 600 & echo $! >&2; echo left >&2; exit 3');
      expect({ code, lastLine: exit.lastLine }).toEqual({ code: 3, lastLine: 'left' });
      process.kill(Number(log[0]?.['message']), 'SIGKILL');
    },
    60_000,
  );

  testHere.each([
    ['v2', { 'memory.peak': '123456789\n', 'memory.events': 'low 0\nmax 7\noom 2\noom_kill 1\n' }],
    [
      'v1',
      {
        'memory/memory.max_usage_in_bytes': '123456789\n',
        'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
      },
    ],
  ])('reads peak memory and kills from cgroup %s', async (version, files) => {
    const folder = join(root, `cgroup ${version}`);
    await mkdir(join(folder, 'memory'), { recursive: true });
    for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
    const { exit } = await run('true', { LONGSHORE_CGROUP: folder });
    expect(exit).toMatchObject({ peakMemoryBytes: 123456789, oomKills: 1 });
  });

  testHere('leaves them out where there are none', async () => {
    const { exit } = await run('true', { LONGSHORE_CGROUP: join(root, 'none') });
    expect(exit).not.toHaveProperty('peakMemoryBytes');
    expect(exit).not.toHaveProperty('oomKills');
  });

  const canMount = process.getuid?.() === 0;
  (canMount ? testHere : test.skip)(
    'a full disk (needs root, to mount one) loses neither code nor last line',
    async () => {
      const small = join(root, 'small');
      await mkdir(small);
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).status).toBe(0);
      try {
        await copyFile(RUN_SCRIPT, join(small, 'run.sh'));
        const script = `dd if=/dev/zero of=${small}/fill bs=4k 2>/dev/null; echo "The disk is full" >&2; exit 7`;
        const { status } = spawnSync('sh', [
          '-c',
          `exec ${[command, ...shellArgs].join(' ')} "$@"`,
          'sh',
          join(small, 'run.sh'),
          'sh',
          '-c',
          script,
        ]);
        expect(status).toBe(7);
        const exit: unknown = JSON.parse(await readFile(join(small, 'exit.json'), 'utf8'));
        expect(exit).toMatchObject({ exitCode: 7, lastLine: 'The disk is full' });
        await expect(access(join(small, 'reserve'))).rejects.toThrow('ENOENT');
      } finally {
        spawnSync('umount', ['--lazy', small]);
      }
    },
  );
});

// As in a container: a user whose processes are counted, in a process namespace that ends with its first process.
const JAIL = ['--pid', '--fork', '--kill-child', 'setpriv', '--clear-groups'];
const canJail = process.getuid?.() === 0 && spawnSync('unshare', [...JAIL, 'prlimit', 'true']).status === 0;

(canJail ? test : test.skip)(
  'a command that leaves room for no other process ends at its deadline all the same',
  async () => {
    const control = await mkdtemp(join(tmpdir(), 'longshore-bomb-'));
    const uid = 1_000_000 + process.pid; // nobody else's
    await chown(control, uid, uid);
    await copyFile(RUN_SCRIPT, join(control, 'run.sh'));
    const bomb = '$SIG{TERM} = "IGNORE"; while (1) { fork; select(undef, undef, undef, 0.0002) }';
    const limited = [`--reuid=${uid}`, 'prlimit', '--nproc=40', 'sh', join(control, 'run.sh')];
    const child = spawn('unshare', [...JAIL, ...limited, 'perl', '-e', bomb], {
      stdio: 'ignore',
      env: { ...process.env, LONGSHORE_CGROUP: '', LONGSHORE_DEADLINE: '1', LONGSHORE_GRACE: '1' },
    });
    try {
      const [code] = (await once(child, 'exit')) as [number | null];
      // 137, or less when not even what writes the end down could be started.
      expect(code).toBeGreaterThan(0);
    } finally {
      child.kill('SIGKILL');
      await rm(control, { recursive: true });
    }
  },
);
