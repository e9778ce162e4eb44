/** A file of 2 GB goes all the way, and the process that takes it stays small. */
import { open, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Status } from '../../lib/pipeline/status.ts';
import { longshore, startLongshore } from '../tools/command.ts';

jest.setTimeout(300_000);

const GIB = 1024 ** 3;
const MOST_BYTES = 200e6;

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'longshore-large-'));
});

afterAll(async () => await rm(home, { recursive: true, force: true }));

// Zeros are no extract: it is read to its end to be told by its hash, brought to the container, refused, and set aside.
test('dropping 2 GB takes the command less than 200 MB of memory', async () => {
  await mkdir(join(home, 'uploads/osm-mapsforge'), { recursive: true });
  const large = await open(join(home, 'uploads/osm-mapsforge/large.osm.pbf'), 'w');
  await large.truncate(2 * GIB);
  await large.close();

  const up = startLongshore(['up', '--until-idle', '--home', home]);
  let most = 0;
  while ((await Promise.race([up.ended, sleep(50)])) === undefined) {
    most = Math.max(most, await peakMemory(up.child.pid!));
  }
  expect((await up.ended).code).toBe(0);
  expect(most).toBeGreaterThan(20e6);
  expect(most).toBeLessThan(MOST_BYTES);

  const { stdout } = await longshore('status', '--home', home, '--json');
  const { failures } = JSON.parse(stdout) as Status;
  expect(failures).toMatchObject([{ state: 'quarantined', cause: 'bad-input' }]);
  const kept = join(home, 'quarantine/osm-mapsforge', failures[0]!.job, 'input/large.osm.pbf');
  expect((await stat(kept)).size).toBe(2 * GIB);
});

/** The most that the process ever held, in bytes; 0 when it is gone (or the system has no /proc). */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
