/** `longshore dashboard` as people start it: over a home folder, and over a stack's buckets (in process). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { RunEntry, RunView } from '../../cli/dashboard/view.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';
import { longshore, startLongshore, type Running } from '../tools/command.ts';

jest.setTimeout(60_000);

let folder: string;
let home: string;
let aws: S3Double;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-dashboard-'));
  home = join(folder, 'home');
  // A bad parameter is recorded, with its reason, and starts no container.
  await longshore(
    'run',
    'osm-mapsforge',
    '--set',
    'area=a/b',
    '--set',
    'type=tape',
    '--run',
    'one',
    '--home',
    home,
  );
  aws = await startS3();
  for (const bucket of ['uploads', 'output', 'quarantine', 'state']) aws.createBucket(bucket);
  env = {
    ...aws.env,
    LONGSHORE_UPLOADS_BUCKET: 'uploads',
    LONGSHORE_OUTPUT_BUCKET: 'output',
    LONGSHORE_QUARANTINE_BUCKET: 'quarantine',
    LONGSHORE_STATE_BUCKET: 'state',
    LONGSHORE_JOBS_QUEUE: aws.createQueue('jobs'),
    LONGSHORE_WAKE_QUEUE: aws.createQueue('wake'),
    LONGSHORE_VALIDATE_QUEUE: aws.createQueue('validate'),
    LONGSHORE_METADATA_QUEUE: aws.createQueue('metadata'),
    LONGSHORE_MAX_TASKS: '2',
    LONGSHORE_LIMITS: '',
    LONGSHORE_ARCHITECTURE: 'x86_64',
    LONGSHORE_SPOT: 'true',
    LONGSHORE_STEP_TIMEOUT: '300',
  };
});

afterAll(async () => {
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The line that it begins with, and the command itself. */
async function start(
  args: string[],
  more: Record<string, string> = {},
): Promise<{ line: string; running: Running }> {
  const running = startLongshore(['dashboard', '--port', '0', '--no-open', ...args], more);
  const line = await new Promise<string>((resolve, reject) => {
    let heard = '';
    running.child.stdout!.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.includes('\n')) resolve(heard.slice(0, heard.indexOf('\n')));
    });
    running.child.on('exit', () => reject(new Error(`It ended after "${heard}"`)));
  });
  return { line, running };
}

const json = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;

describe('over a home folder', () => {
  test('says where the page is, serves it there, and ends on Ctrl-C', async () => {
    const { line, running } = await start(['--home', home]);
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+\//.exec(line) ?? [];
    expect(line).toBe(`longshore dashboard at ${url}  (Ctrl-C ends it)`);
    expect(await (await fetch(url)).text()).toContain('<div id="page">');
    expect(await json<RunEntry[]>(`${url}api/runs`)).toMatchObject([{ run: 'one', jobs: 1, failed: 1 }]);
    const { jobs } = await json<RunView>(`${url}api/runs/one`);
    expect(jobs).toMatchObject([{ state: 'quarantined', reason: /type is "tape"/ }]);
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('exits with 3 when the port is taken, and says what to do', async () => {
    const { line, running } = await start(['--home', home, '--json']);
    const { port } = new URL((JSON.parse(line) as { url: string }).url);
    const second = await longshore('dashboard', '--port', port, '--no-open', '--home', home);
    expect(second).toMatchObject({ code: 3, stdout: '' });
    expect(second.stderr).toMatch(/cannot be served at 127\.0\.0\.1, port \d+ \(EADDRINUSE\).*--port 0/);
    running.child.kill('SIGINT');
    await running.ended;
  });

  test('warns when it listens for others', async () => {
    const { running } = await start(['--home', home, '--host', '0.0.0.0']);
    running.child.kill('SIGINT');
    expect((await running.ended).stderr).toMatch(/whoever reaches 0\.0\.0\.0 can see the runs there/);
  });
});

describe('over the buckets of a stack', () => {
  test('is the same page, and a look is as many requests as the run has thousands of markers, and one', async () => {
    const bad = ['run', 'osm-mapsforge', '--set', 'area=a/b', '--set', 'type=tape', '--run', 'two'];
    await startLongshore([...bad, '--backend', 'aws'], env).ended;
    const { line, running } = await start(['--backend', 'aws', '--json'], env);
    const { url } = JSON.parse(line) as { url: string };
    const { jobs } = await json<RunView>(`${url}api/runs/two`);
    expect(jobs).toMatchObject([{ state: 'quarantined', reason: /type is "tape"/ }]);
    const before = aws.requests.length;
    await json<RunView>(`${url}api/runs/two`);
    const asked = aws.requests.slice(before).map((one) => one.replace(/\?.*/, ''));
    expect(asked).toEqual(['GET /state/ledger/admission', 'GET /state/']);
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 0 });
  });
});
