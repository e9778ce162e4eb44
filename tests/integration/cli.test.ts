/** The command as scripts and people use it: child processes, real containers, real files. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import type { RunResult } from '../../cli/run-result.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import type { Status } from '../../lib/pipeline/status.ts';
import { serveMirror, writeMirror, type Mirror } from '../../scripts/sample/mirror.ts';
import { LAUNCHER, longshore, startLongshore, type Ended } from '../tools/command.ts';

// A map takes some seconds; a busy machine takes its time.
jest.setTimeout(180_000);

let folder: string;
let home: string;
let brack: string;
let mirror: Mirror;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-cli-'));
  home = join(folder, 'home');
  const extracts = await writeMirror(join(folder, 'mirror'));
  brack = join(folder, 'brack.osm.pbf');
  await copyFile(
    extracts.find((path) => path.includes('brack'))!,
    brack,
  );
  mirror = await serveMirror(join(folder, 'mirror'));
});

afterAll(async () => {
  await mirror.close();
  await rm(folder, { recursive: true, force: true });
});

const resultOf = ({ stdout }: Ended): RunResult => JSON.parse(stdout) as RunResult;
const sha256 = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

async function statusOf(...args: string[]): Promise<Status> {
  const { stdout, code } = await longshore('status', ...args, '--home', home, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Status;
}

describe('run', () => {
  test('with a file makes the map, waits, and ends with one JSON object that is true', async () => {
    const ended = await longshore(
      'run',
      'osm-mapsforge',
      brack,
      '--set',
      'type=ram',
      '--home',
      home,
      '--json',
    );
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout.trim().split('\n')).toHaveLength(1);
    const result = resultOf(ended);
    expect(result).toMatchObject({ state: 'published', attempts: 1 });
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.costUsd).toBeGreaterThan(0);
    expect(result.outputs.map(({ uri }) => uri.replace(/.*\//, ''))).toContain('brack.map');
    for (const { uri, bytes, sha256: hash } of result.outputs) {
      const path = fileURLToPath(uri);
      expect((await readFile(path)).length).toBe(bytes);
      expect(await sha256(path)).toBe(hash);
    }
    const receipt = JSON.parse(await readFile(fileURLToPath(result.receipt!), 'utf8')) as Receipt;
    expect(receipt).toMatchObject({
      job: result.job,
      run: result.run,
      state: 'published',
      params: { type: 'ram' },
    });
    expect(receipt.inputs[0]).toMatchObject({ sha256: await sha256(brack) });

    const { jobs, run } = await statusOf(result.run);
    expect({ jobs, run }).toEqual({
      run: result.run,
      jobs: { waiting: 0, running: 0, published: 1, failed: 0, quarantined: 0, cancelled: 0 },
    });
    const logs = await longshore('logs', result.job, '--home', home, '--json');
    const lines = logs.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.every(({ job, attempt }) => job === result.job && attempt === 1)).toBe(true);
    expect(lines.some(({ event }) => event === 'Progress')).toBe(true);
  });

  test('with an area fetches it from the mirror and publishes under the name of the area', async () => {
    const set = ['--set', 'area=sample/brack', '--set', `mirror=${mirror.url}`];
    const ended = await longshore('run', 'osm-mapsforge', ...set, '--home', home, '--json');
    expect(ended.stderr).toBe('');
    expect(resultOf(ended)).toMatchObject({ state: 'published' });
    expect(existsSync(join(home, 'output/osm-mapsforge/sample/brack/receipt.json'))).toBe(true);
  });

  test('without --json shows progress on stderr and nothing but the result on stdout', async () => {
    const ended = await longshore('run', 'osm-mapsforge', brack, '--home', home);
    expect(ended.code).toBe(0);
    expect(resultOf(ended)).toMatchObject({ state: 'published' });
    expect(ended.stderr).toMatch(/^brack {2}(processing|write|\w+:\w+:\w+).* \d+\.\d s/m);
  });

  test('of a manifest tells each job, and exits with 1 when one of them is not published', async () => {
    const manifest = join(folder, 'areas.jsonl');
    const areas = ['sample/brack', 'sample/nowhere'].map((area) => ({
      params: { area, mirror: mirror.url },
    }));
    await writeFile(
      manifest,
      areas.map((area) => JSON.stringify({ task: 'osm-mapsforge', ...area })).join('\n'),
    );
    const ended = await longshore('run', '--manifest', manifest, '--home', home, '--json');
    expect(ended).toMatchObject({ code: 1, stderr: '' });
    const { jobs, published, run } = JSON.parse(ended.stdout) as {
      jobs: RunResult[];
      published: number;
      run: string;
    };
    expect(run).toMatch(/^areas-/);
    expect(published).toBe(1);
    expect(jobs.map(({ state }) => state).sort()).toEqual(['published', 'quarantined']);
    expect(jobs.find(({ state }) => state === 'quarantined')?.reason).toMatch(/sample\/nowhere/);
  });

  test('with a bad parameter records the job as quarantined with the reason', async () => {
    const ended = await longshore(
      'run',
      'osm-mapsforge',
      brack,
      '--set',
      'type=tape',
      '--home',
      home,
      '--json',
    );
    expect(ended.code).toBe(1);
    const result = resultOf(ended);
    expect(result).toMatchObject({ state: 'quarantined', outputs: [], attempts: 0 });
    expect(result.reason).toMatch(/type is "tape", but must be one of ram, hd/);
    expect((await statusOf(result.run)).failures).toMatchObject([{ job: result.job, reason: result.reason }]);
  });

  test('with a file that is not what it says ends in quarantine with the reason', async () => {
    const text = join(folder, 'a b+c%d é.osm.pbf');
    await writeFile(text, 'this is no map\n');
    const ended = await longshore('run', 'osm-mapsforge', text, '--home', home, '--json');
    expect(ended.code).toBe(1);
    expect(resultOf(ended)).toMatchObject({ state: 'quarantined', cause: 'bad-input' });
    expect(resultOf(ended).reason).toMatch(/not an OSM PBF/);
  });

  test('stopped by Ctrl-C cancels the job and its container', async () => {
    const running = startLongshore([
      'run',
      'osm-mapsforge',
      brack,
      '--run',
      'stopped',
      '--home',
      home,
      '--json',
    ]);
    while ((await statusOf('stopped')).running.length === 0) await sleep(100);
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(resultOf(ended)).toMatchObject({ state: 'cancelled' });
    expect((await statusOf('stopped')).jobs).toMatchObject({ running: 0, waiting: 0, cancelled: 1 });
  });
});

describe('drop', () => {
  test('puts files where `up` takes them, each once', async () => {
    const dropped = await longshore('drop', brack, '--task', 'osm-mapsforge', '--home', home, '--json');
    expect(dropped.code).toBe(0);
    expect(JSON.parse(dropped.stdout)).toMatchObject([{ file: brack, sha256: await sha256(brack) }]);
    const up = await longshore('up', '--until-idle', '--home', home);
    expect(up.code).toBe(0);
    expect(up.stdout).toMatch(/published {4}brack/);
    const again = await longshore('up', '--until-idle', '--home', home);
    expect(again).toMatchObject({ code: 0, stdout: '' });
  });

  test('refuses all files when one is missing, and copies none', async () => {
    const place = join(home, 'uploads/osm-mapsforge');
    const before = await readdir(place);
    const other = join(folder, 'other.osm.pbf');
    await copyFile(brack, other);
    const ended = await longshore(
      'drop',
      other,
      '/nowhere.osm.pbf',
      '--task',
      'osm-mapsforge',
      '--home',
      home,
    );
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/Nothing was copied.*\/nowhere\.osm\.pbf cannot be read/);
    expect(await readdir(place)).toEqual(before);
  });
});

describe('killed with kill -9', () => {
  test('in the middle of a run, `up` brings the job to its end, once', async () => {
    const running = startLongshore([
      'run',
      'osm-mapsforge',
      brack,
      '--run',
      'killed',
      '--home',
      home,
      '--json',
    ]);
    while ((await statusOf('killed')).running.every(({ phase }) => phase !== 'processing')) {
      if ((await statusOf('killed')).jobs.published === 1) break;
      await sleep(50);
    }
    running.child.kill('SIGKILL');
    await running.ended;
    const up = await longshore('up', '--until-idle', '--home', home);
    expect(up.code).toBe(0);
    expect((await statusOf('killed')).jobs).toEqual({
      waiting: 0,
      running: 0,
      published: 1,
      failed: 0,
      quarantined: 0,
      cancelled: 0,
    });
  });
});

describe('wrong usage', () => {
  test.each([
    [['run', 'osm-mapsfroge'], /did you mean "osm-mapsforge"/],
    [['run', 'osm-mapsforge', '/nowhere.osm.pbf'], /\/nowhere\.osm\.pbf cannot be read/],
    [['run', 'osm-mapsforge', '--set', 'type'], /"type" is not of the form name=value/],
    [['frobnicate'], /unknown command/],
    [['status', '--backend', 'azure'], /Allowed choices are local, aws/],
    [['logs', 'nobody'], /no job and no run "nobody"/],
    [['up', '--backend', 'aws'], /for this machine only/],
  ])('%j exits with 2 and says why', async (args, message) => {
    const ended = await longshore(...args, ...(args[0] === 'frobnicate' ? [] : ['--home', home]));
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
  });
});

describe('a machine or account that lacks something', () => {
  test('exits with 3: no settings for AWS', async () => {
    const bare = { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined, AWS_CONFIG_FILE: '/nowhere' };
    const ended = await startLongshore(['status', '--backend', 'aws'], bare).ended;
    expect(ended).toMatchObject({ code: 3, stdout: '' });
    expect(ended.stderr).toMatch(/No region: give --region/);
  });

  test('exits with 3: a home that cannot be', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const ended = await longshore('status', '--home', join(file, 'home'));
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/home folder .* cannot be used \(ENOTDIR\)/);
  });

  test('exits with 3: settings that cannot be understood', async () => {
    const bad = join(folder, 'bad');
    await mkdir(bad);
    await writeFile(join(bad, 'longshore.json'), '{"maxTasks":0}');
    const ended = await longshore('status', '--home', bad);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/longshore\.json cannot be used: maxTasks/);
  });
});

test('tasks and doctor tell programs, too', async () => {
  const tasks = JSON.parse((await longshore('tasks', '--json')).stdout) as { name: string }[];
  expect(tasks.map(({ name }) => name)).toContain('osm-mapsforge');
  const doctor = await longshore('doctor', '--home', home, '--json');
  const findings = JSON.parse(doctor.stdout) as { verdict: string; what: string }[];
  expect(findings.filter(({ verdict }) => verdict === 'missing')).toEqual([]);
  expect(doctor.code).toBe(0);
});

test('a command whose reader has gone ends without a word, as any other tool', async () => {
  const script = `{ "$0" "$1" tasks; echo "exit code $?" >&2; } | true`;
  const { stderr } = await execa('sh', ['-c', script, process.execPath, LAUNCHER]);
  expect(stderr).toBe('exit code 141');
});
