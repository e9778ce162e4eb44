/** The script that does several jobs in one container, in every shell that this machine has of those that images have. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitRecord } from '../../lib/pipeline/attempt-record.ts';
import { makeLayout } from '../../lib/stage/layout.ts';
import { writePack } from '../../lib/stage/pack.ts';

/** With busybox its own small tools are used too, as in an Alpine image. */
const SHELLS: [string, string[]][] = [
  ['dash', ['dash']],
  ['busybox sh', ['busybox', 'sh']],
  ['bash', ['bash']],
];

const isThere = (command: string): boolean =>
  spawnSync(command, ['--help'], { stdio: 'ignore' }).error === undefined;

interface Job {
  /** Shell; it finds its input folder in `$1`, its output folder in `$2`. */
  does: string;
  deadlineSeconds?: number;
  env?: Record<string, string>;
}

const exitOf = async (dir: string): Promise<ExitRecord | undefined> => {
  const found = await readFile(join(dir, 'control', 'exit.json'), 'utf8').catch(() => undefined);
  return found === undefined ? undefined : ExitRecord.parse(JSON.parse(found));
};
const begunAt = async (dir: string): Promise<number> =>
  Number(await readFile(join(dir, 'control', 'begun'), 'utf8').catch(() => 0));

/** Until the job has logged this. */
const says = async (dir: string, what: string): Promise<void> => {
  while (!(await readFile(join(dir, 'control', 'log.jsonl'), 'utf8').catch(() => '')).includes(what))
    await sleep(20);
};

/** What a job does to the kernel's numbers. */
const grow = (peak: number, kills: number): string =>
  `echo ${peak} >"$CGROUP/memory.peak"; echo "oom_kill ${kills}" >"$CGROUP/memory.events"`;

describe.each(SHELLS)('pack.sh under %s', (name, [command = '', ...shellArgs]) => {
  const testHere = isThere(command) ? test : test.skip;
  if (!isThere(command))
    console.warn(`pack.sh is not tested under ${name}: it is not installed (apt-get install ${command})`);
  let root: string;
  let count = 0;
  const env: NodeJS.ProcessEnv = { ...process.env, LONGSHORE_CGROUP: '' };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'longshore-pack-'));
    if (command !== 'busybox') return;
    const bin = join(root, 'bin');
    await mkdir(bin);
    spawnSync('busybox', ['--install', '-s', bin]);
    env['PATH'] = bin;
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  const begin = async (jobs: Job[], more: NodeJS.ProcessEnv = {}) => {
    const dir = join(root, `pack ${(count += 1)}`);
    const dirs = jobs.map((_, index) => join(dir, `job ${index}`));
    for (const one of dirs) await makeLayout(one);
    await writePack(
      join(dir, 'control'),
      jobs.map(({ does, deadlineSeconds = 300, env: own = {} }, index) => ({
        member: { job: `job-${index}`, attempt: 1, deadlineSeconds, env: { DOES: does, ...own } },
        control: join(dirs[index]!, 'control'),
        dir: dirs[index]!,
      })),
    );
    const shell = spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim();
    const args = [...shellArgs, join(dir, 'control', 'pack.sh'), 'host', 'sh', '-c', 'eval "$DOES"', 'sh'];
    const child = spawn(shell, args, {
      env: { ...env, ...more },
      detached: true, // a process group of its own, as the host runner gives it
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stdout = text(child.stdout);
    const ended = (async () => {
      const [code] = (await once(child, 'exit')) as [number | null];
      return { code, stdout: await stdout };
    })();
    return { child, dirs, dir, ended };
  };

  testHere(
    'each job has its own folders, environment and end, and none keeps the next from its turn',
    async () => {
      const { dirs, ended } = await begin([
        {
          does: 'echo "$AREA" >"$2/out"; echo x >"$TMPDIR/x"',
          env: { AREA: 'europe/monaco; "$HOME" \'quoted\'' },
        },
        { does: 'echo "no header" >&2; exit 65' },
        { does: 'kill -KILL $$' },
        { does: '/no/such/command' },
        { does: 'env >"$2/out"; ls "$TMPDIR" >"$2/tmp"' },
      ]);
      expect((await ended).code).toBe(0);
      const exits = await Promise.all(dirs.map(exitOf));
      expect(exits.map((exit) => exit?.exitCode)).toEqual([0, 65, 137, 127, 0]);
      expect(exits[1]?.lastLine).toBe('no header');
      const begun = await Promise.all(dirs.map(begunAt));
      for (const [index, exit] of exits.entries()) {
        expect(begun[index]).toBeLessThanOrEqual(exit?.startedAt ?? 0);
        expect(exits[index - 1]?.endedAt ?? 0).toBeLessThanOrEqual(begun[index] ?? 0);
      }
      expect(await readFile(join(dirs[0]!, 'output/out'), 'utf8')).toBe(
        'europe/monaco; "$HOME" \'quoted\'\n',
      );
      const last = await readFile(join(dirs[4]!, 'output/out'), 'utf8');
      expect(last).not.toMatch(/^(AREA|LONGSHORE_(DEADLINE|SHARED|CGROUP|SCRATCH))=/m);
      expect(last).toContain(`TMPDIR=${dirs[4]}/tmp\n`);
      expect(await readFile(join(dirs[4]!, 'output/tmp'), 'utf8')).toBe('');
    },
  );

  testHere('its own words are one JSON object a line, with the job', async () => {
    const { stdout } = await (await begin([{ does: 'echo hello' }, { does: 'exit 3' }])).ended;
    const lines = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      { event: 'Job:Turn:Begun', job: 'job-0', attempt: 1 },
      { message: 'hello' },
      { event: 'Job:Turn:Done', job: 'job-0', exitCode: 0 },
      { event: 'Job:Turn:Begun', job: 'job-1' },
      { event: 'Job:Turn:Done', job: 'job-1', exitCode: 3 },
    ]);
  });

  testHere(
    'a job past its deadline is asked to end, then killed, and told; the next has its turn',
    async () => {
      const { dirs, ended } = await begin(
        [
          { does: 'trap "echo late >&2; exit 9" TERM; while :; do sleep 0.1; done', deadlineSeconds: 1 },
          { does: 'trap "" TERM; while :; do sleep 0.1; done', deadlineSeconds: 1 },
          { does: 'true', deadlineSeconds: 1 },
        ],
        { LONGSHORE_GRACE: '1' },
      );
      expect((await ended).code).toBe(0);
      expect(await exitOf(dirs[0]!)).toMatchObject({ exitCode: 9, deadline: true, lastLine: 'late' });
      expect(await exitOf(dirs[1]!)).toMatchObject({ exitCode: 137, deadline: true });
      const last = await exitOf(dirs[2]!);
      expect(last).toMatchObject({ exitCode: 0 });
      expect(last).not.toHaveProperty('deadline');
    },
    60_000,
  );

  testHere('SIGTERM ends the job at work, and no other one begins', async () => {
    const { child, dirs, ended } = await begin([
      { does: 'true' },
      { does: 'trap "echo stopping >&2; exit 9" TERM; echo up; while :; do sleep 0.1; done' },
      { does: 'true' },
    ]);
    await says(dirs[1]!, '"up"');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    const exits = await Promise.all(dirs.map(exitOf));
    expect(exits.map((exit) => exit?.exitCode)).toEqual([0, 9, undefined]);
    expect(await begunAt(dirs[2]!)).toBe(0);
  });

  testHere('what a job leaves running is gone when the next begins', async () => {
    const { dirs, ended } = await begin([
      { does: 'sleep 600 >/dev/null 2>&1 & echo $! >"$2/left"' },
      // Nobody may have asked for its exit code yet.
      {
        does: 'state=$(sed "s/.*) //" "/proc/$(cat "$1/../../job 0/output/left")/stat" 2>/dev/null); case $state in "" | Z*) ;; *) exit 1 ;; esac',
      },
    ]);
    expect((await ended).code).toBe(0);
    expect((await exitOf(dirs[1]!))?.exitCode).toBe(0);
  });

  testHere('a job that need not begin any more is passed over', async () => {
    const { dirs, ended } = await begin([{ does: 'echo up; sleep 1' }, { does: 'true' }, { does: 'true' }]);
    await says(dirs[0]!, '"up"');
    await writeFile(join(dirs[1]!, 'control', 'skip'), '');
    expect((await ended).code).toBe(0);
    expect((await Promise.all(dirs.map(begunAt))).map((at) => at > 0)).toEqual([true, false, true]);
  });

  testHere('started again, it begins no job a second time', async () => {
    const { dirs, dir, ended } = await begin([{ does: 'echo again >>"$2/out"' }, { does: 'true' }]);
    await ended;
    const again = spawnSync(
      'sh',
      [join(dir, 'control', 'pack.sh'), 'host', 'sh', '-c', 'eval "$DOES"', 'sh'],
      {
        env: { ...process.env, LONGSHORE_CGROUP: '' },
      },
    );
    expect(again.status).toBe(0);
    expect(await readFile(join(dirs[0]!, 'output/out'), 'utf8')).toBe('again\n');
  });

  testHere('the kernel’s numbers are told of each job for itself', async () => {
    const cgroup = join(root, 'cgroup');
    await mkdir(cgroup);
    const set = async (peak: number, kills: number): Promise<void> => {
      await writeFile(join(cgroup, 'memory.peak'), `${peak}\n`);
      await writeFile(join(cgroup, 'memory.events'), `oom_kill ${kills}\n`);
    };
    await set(1000, 0);
    const own = { CGROUP: cgroup };
    const { dirs, ended } = await begin(
      [
        { does: `${grow(5000, 2)}; exit 137`, env: own },
        { does: 'true', env: own },
        { does: grow(7000, 2), env: own },
        { does: `${grow(7000, 3)}; exit 137`, env: own },
      ],
      { LONGSHORE_CGROUP: cgroup },
    );
    await ended;
    const exits = await Promise.all(dirs.map(exitOf));
    expect(exits.map((exit) => [exit?.peakMemoryBytes, exit?.oomKills])).toEqual([
      [5000, 2],
      // Less than the first one's mark: how much, nobody knows.
      [undefined, 0],
      [7000, 0],
      [undefined, 1],
    ]);
  });

  testHere('the folder that all write to is emptied after each', async () => {
    const scratch = join(root, 'scratch');
    await mkdir(scratch);
    const own = { SCRATCH: scratch };
    const { dirs, ended } = await begin(
      [
        {
          does: 'mkdir "$SCRATCH/sub" "$SCRATCH/.hidden"; echo x >"$SCRATCH/..odd"; ls -A "$SCRATCH" >"$2/out"',
          env: own,
        },
        { does: 'ls -A "$SCRATCH" >"$2/out"', env: own },
      ],
      { LONGSHORE_SCRATCH: scratch },
    );
    await ended;
    expect(
      (await readFile(join(dirs[0]!, 'output/out'), 'utf8')).split('\n').slice(0, -1).toSorted(),
    ).toEqual(['..odd', '.hidden', 'sub']);
    expect(await readFile(join(dirs[1]!, 'output/out'), 'utf8')).toBe('');
    await expect(access(join(dirs[0]!, 'tmp'))).rejects.toThrow('ENOENT');
  });
});
