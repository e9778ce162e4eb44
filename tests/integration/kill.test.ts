/** The process dies, again and again; and two of them work on one home. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { findEngine } from '../../lib/local/engine.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import type { Status } from '../../lib/pipeline/status.ts';
import { writeMirror } from '../../scripts/sample/mirror.ts';
import { longshore, startLongshore } from '../tools/command.ts';

jest.setTimeout(600_000);

const run = promisify(execFile);
const engine = (await findEngine()).engine;

let folder: string;
let brack: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-kill-'));
  const extracts = await writeMirror(join(folder, 'mirror'));
  brack = extracts.find((path) => path.includes('brack'))!;
});

afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function statusOf(home: string): Promise<Status> {
  return JSON.parse((await longshore('status', '--home', home, '--json')).stdout) as Status;
}

async function dropIslands(home: string, names: string[]): Promise<void> {
  await mkdir(join(home, 'uploads/osm-mapsforge'), { recursive: true });
  for (const name of names) await copyFile(brack, join(home, `uploads/osm-mapsforge/${name}.osm.pbf`));
}

async function attemptsOf(home: string, name: string): Promise<Receipt['attempts']> {
  const text = await readFile(join(home, `output/osm-mapsforge/${name}/receipt.json`), 'utf8');
  return (JSON.parse(text) as Receipt).attempts;
}

test('kill -9 at moments all along the way: each map is published, once', async () => {
  const home = join(folder, 'home');
  const names = ['a', 'b', 'c'];
  await dropIslands(home, names);
  // From before the first file is seen to after the last map is out, in uneven steps.
  for (const ms of [300, 700, 1100, 1300, 1600, 2100, 2500, 2900, 3400, 4100]) {
    const up = startLongshore(['up', '--until-idle', '--home', home]);
    await Promise.race([sleep(ms), up.ended]);
    up.child.kill('SIGKILL');
    await up.ended;
  }
  expect((await longshore('up', '--until-idle', '--home', home)).code).toBe(0);
  expect(await statusOf(home)).toMatchObject({
    jobs: { waiting: 0, running: 0, published: 3, failed: 0, quarantined: 0, cancelled: 0 },
    running: [],
  });
  // Containers outlive the process that started them and are found again: none ran twice.
  for (const name of names) expect(await attemptsOf(home, name)).toMatchObject([{ cause: 'succeeded' }]);
});

test('two processes on one home never start one job twice, and never pass maxTasks', async () => {
  const home = join(folder, 'two');
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  await dropIslands(home, names);
  await writeFile(join(home, 'longshore.json'), JSON.stringify({ maxTasks: 2 }));
  const ups = [1, 2].map(() => startLongshore(['up', '--until-idle', '--home', home]));
  const ended = Promise.all(ups.map(async (up) => await up.ended));
  const seen: number[] = [];
  while ((await Promise.race([ended, sleep(100)])) === undefined) seen.push(await containersOf(home));
  expect((await ended).map(({ code }) => code)).toEqual([0, 0]);
  expect((await statusOf(home)).jobs).toMatchObject({ published: 6, running: 0, waiting: 0 });
  for (const name of names)
    expect(await attemptsOf(home, name)).toMatchObject([{ attempt: 1, cause: 'succeeded' }]);
  // Without an engine there is nothing to count, and the receipts above must do.
  expect(Math.max(...seen)).toBeLessThanOrEqual(2);
  expect(Math.max(...seen) > 0).toBe(engine !== undefined);
});

async function containersOf(home: string): Promise<number> {
  if (!engine) return 0;
  const { id } = JSON.parse(await readFile(join(home, 'home.json'), 'utf8').catch(() => '{"id":"none"}')) as {
    id: string;
  };
  const { stdout } = await run(engine.kind, [
    'ps',
    '--filter',
    `name=^longshore-${id}-`,
    '--filter',
    'status=running',
    '--format',
    '{{.Names}}',
  ]);
  return stdout.split('\n').filter((line) => line !== '').length;
}
