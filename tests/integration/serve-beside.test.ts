/** A run that its own command works on, beside a process that serves the whole home: what is dropped goes ahead of it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Home } from '../../lib/local/home.ts';
import { isServed } from '../../lib/local/presence.ts';
import { serve } from '../../lib/local/serve.ts';
import { accept } from '../../lib/pipeline/accept.ts';
import { status, type Status } from '../../lib/pipeline/status.ts';
import { openBesideHome } from './support/beside.ts';

jest.setTimeout(60_000);

const RUN_JOBS = 12;
let dir: string;
let home: Home;
let up: ChildProcess;
let stopRun: () => Promise<void>;

/** A run of several jobs is begun by its own command, as `longshore rebuild` does, and all of the home is served beside it. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'longshore-beside-'));
  home = await openBesideHome(dir);
  for (let at = 1; at <= RUN_JOBS; at += 1)
    await accept(home.ctx, {
      kind: 'job',
      run: 'bulk',
      task: 'text',
      params: { number: `${at}` },
      priority: 5,
      sequence: '1',
    });
  const end = new AbortController();
  const serving = serve(home, { run: 'bulk', signal: end.signal });
  stopRun = async () => {
    end.abort();
    await serving;
  };
  await until('a job started', async () => (await starts()).length > 0);
  up = spawn(process.execPath, [join(import.meta.dirname, 'support/beside.ts'), dir], { stdio: 'inherit' });
  await until('the home is served', async () => await isServed(join(dir, 'work/.processes')));
});

afterEach(async () => {
  await stopRun();
  await killUp();
  home.close();
  await rm(dir, { recursive: true, force: true });
});

async function killUp(): Promise<void> {
  if (up.exitCode !== null || up.signalCode !== null) return;
  const exit = once(up, 'exit');
  up.kill('SIGKILL');
  await exit;
}

/** Loops must end: Jest does not stop a test that is too long, it only tells of it. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 50_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`It did not come to it that ${what}`);
    await sleep(50);
  }
}

/** What the containers were for, in the order in which they began. */
const starts = async (): Promise<string[]> =>
  (await readFile(join(dir, 'cache/text/starts'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
const jobs = async (): Promise<Status['jobs']> => (await status(home.ctx, {})).jobs;
const untilPublished = async (count: number): Promise<void> =>
  await until(`${count} jobs were published`, async () => (await jobs()).published >= count);

test('a dropped file has the next slot but one, not the one after the run', async () => {
  await mkdir(join(dir, 'uploads/text'), { recursive: true });
  await writeFile(join(dir, 'uploads/text/one.txt'), 'dropped');
  await until('it was accepted', async () => {
    const { published, waiting, running } = await jobs();
    return published + waiting + running > RUN_JOBS;
  });
  const before = (await starts()).length;
  await untilPublished(RUN_JOBS + 1);
  expect((await starts()).indexOf('dropped')).toBeLessThanOrEqual(before + 1);
});

test('a process that was killed, or stands still, serves nothing', async () => {
  const processes = join(dir, 'work/.processes');
  expect(await isServed(processes)).toBe(true);
  up.kill('SIGSTOP');
  await until('it stands still', async () => !(await isServed(processes)));
  up.kill('SIGCONT');
  await until('it goes on', async () => await isServed(processes));
  await killUp();
  expect(await isServed(processes)).toBe(false);
});
