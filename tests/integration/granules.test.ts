/** Granules in real containers: good ones are published, each bad one is told for its own reason, none is in another's way. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { findEngine } from '../../lib/local/engine.ts';
import { openHome, type Home } from '../../lib/local/home.ts';
import { serve } from '../../lib/local/serve.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { status, type EndedJob, type Status } from '../../lib/pipeline/status.ts';
import { taskMap } from '../../lib/tasks/task-map.ts';
import { tasks } from '../../tasks/index.ts';
import { quietLog } from '../contract/support/quiet-log.ts';

jest.setTimeout(300_000);

const engine = await findEngine();
const task = tasks.get('hdf5-netcdf')!;

/** Written in the image, which has the library: granules of the instrument's layout, and such as cannot be. */
const WRITE = `
import sys
sys.path.insert(0, "/opt/hdf5-netcdf")
from datetime import datetime
import numpy as np
import sample_granules as s

start = datetime(2012, 9, 6, 14, 30)
for at, name in enumerate(("one", "two", "three", "four")):
    s.write_granule(f"/made/{name}.hdf5", s.atb(start, 6, at))
s.write_granule("/made/op.hdf5", s.op(start, 6))
bad = s.atb(start, 6)
nan = {**bad, "Second": np.array([0, 1, np.nan, 3, np.nan, 5])}
del nan["Dec_JDay"]
s.write_granule("/made/nan.hdf5", nan)
del bad["ATB_532"]
s.write_granule("/made/missing.hdf5", bad)
`;

const hash = (algorithm: string, content: Buffer): string =>
  createHash(algorithm).update(content).digest('hex');

const total = (jobs: Status['jobs']): number => Object.values(jobs).reduce((sum, count) => sum + count, 0);
const over = (jobs: Status['jobs']): boolean => jobs.waiting + jobs.running === 0;

describe('dropped side by side', () => {
  let folder: string;
  let home: Home;
  let found: Status;
  let before: Status;

  const made = async (name: string): Promise<Buffer> => await readFile(join(folder, 'made', name));
  async function drop(key: string, content: string | Buffer): Promise<void> {
    const path = join(home.dir, 'uploads/hdf5-netcdf', key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  beforeAll(async () => {
    if (!engine.engine)
      throw new Error(`No container engine: ${engine.tried.join('; ')}. Run: npm run setup`);
    folder = await mkdtemp(join(tmpdir(), 'longshore-granules-'));
    await mkdir(join(folder, 'made'));
    await execa(engine.engine.kind, [
      'run',
      '--rm',
      '--network=none',
      '--user=0',
      `--volume=${join(folder, 'made')}:/made`,
      '--entrypoint=python3',
      `${task.image}:latest`,
      '-B',
      '-c',
      WRITE,
    ]);
    home = await openHome({
      dir: join(folder, 'home'),
      // As it is, but for a deadline that a test can wait for.
      tasks: taskMap([{ ...task, granule: { ...task.granule!, deadlineSeconds: 20 } }]),
      log: quietLog(),
      engine,
      settings: { maxTasks: 2, quietSeconds: 0.1 },
    });
    await dropAll();
    before = await servedUntil(({ sets }) => sets.some(({ missing }) => missing[0]?.startsWith('OP')));
    found = await servedUntil(({ jobs, sets }) => sets.length === 0 && total(jobs) >= 10 && over(jobs));
  });

  async function dropAll(): Promise<void> {
    const [one, op] = [await made('one.hdf5'), await made('op.hdf5')];
    for (const name of ['one', 'two', 'three', 'four', 'missing', 'nan'])
      await copyFile(
        join(folder, 'made', `${name}.hdf5`),
        join(home.dir, 'uploads/hdf5-netcdf', `${name}.hdf5`),
      );
    await drop('cut.hdf5', one.subarray(0, Math.floor(one.length / 2)));
    await drop('flight.granule/HS3_CPL_ATB_12203a_20120906.hdf5', one);
    await drop('flight.granule/HS3_CPL_OP_12203a_20120906.hdf5', op);
    await drop(
      'flight.granule/flight.sha256',
      `${hash('sha256', one)}  HS3_CPL_ATB_12203a_20120906.hdf5\n${hash('sha256', op)}  HS3_CPL_OP_12203a_20120906.hdf5\n`,
    );
    await drop('wrong.granule/ATB_20120906.hdf5', one);
    await drop('wrong.granule/wrong.md5', `${hash('md5', op)}  ATB_20120906.hdf5\n`);
    await drop('lonely.granule/ATB_20120906.hdf5', one);
    await drop(
      'lonely.granule/lonely.cnm.json',
      JSON.stringify({ product: { files: [{ name: 'ATB_20120906.hdf5' }, { name: 'OP_20120906.hdf5' }] } }),
    );
  }

  async function servedUntil(isEnough: (now: Status) => boolean): Promise<Status> {
    let now = await status(home.ctx);
    await serve(home, {
      signal: AbortSignal.timeout(200_000),
      until: async () => isEnough((now = await status(home.ctx))),
    });
    return now;
  }

  afterAll(async () => {
    home?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const failure = (name: string): EndedJob => {
    const ended = found.failures.filter((one) => one.name === name);
    expect(ended).toHaveLength(1);
    return ended[0]!;
  };
  const receiptOf = async (name: string): Promise<Receipt> =>
    JSON.parse(await readFile(join(home.dir, 'output/hdf5-netcdf', name, 'receipt.json'), 'utf8')) as Receipt;

  test('the good ones are published, with their metadata, and the bad ones are not', async () => {
    expect(found.jobs).toEqual({
      waiting: 0,
      running: 0,
      published: 5,
      failed: 0,
      quarantined: 5,
      cancelled: 0,
    });
    expect((await readdir(join(home.dir, 'output/hdf5-netcdf/one'))).toSorted()).toEqual([
      'one.nc',
      'one.nc.met',
      'one.nc.meta.xml',
      'one.stac.json',
      'receipt.json',
    ]);
    expect((await receiptOf('one')).checks.map(({ check, ok }) => `${check} ${ok}`)).toContain(
      'netCDF file true',
    );
  });

  test.each([
    ['cut', 'bad-input', /cut\.hdf5 is truncated: it has \d+ bytes/],
    ['missing', 'bad-input', /missing lacks ATB_532; it has /],
    ['nan', 'bad-input', /nan: 2 of 6 profiles have no time .* the first is profile 2/],
    ['wrong', 'bad-input', /ATB_20120906\.hdf5 is not the file that wrong\.md5 lists: its MD5 is/],
    [
      'lonely',
      'incomplete',
      /missing OP_20120906\.hdf5; what had come: ATB_20120906\.hdf5 \(\d+ bytes\), lonely/,
    ],
  ])('%s ends in quarantine (%s) for its own reason, and is kept there', async (name, cause, reason) => {
    const ended = failure(name);
    expect(ended).toMatchObject({ state: 'quarantined', cause, reason: expect.stringMatching(reason) });
    const kept = await readdir(join(dirname(fileURLToPath(ended.receipt!)), 'input'));
    expect(kept.some((one) => one.endsWith('.hdf5'))).toBe(true);
  });

  test('a granule of two files is one job with both, and publishes both', async () => {
    const receipt = await receiptOf('flight');
    expect(receipt.inputs.map(({ uri }) => uri.slice(uri.lastIndexOf('/') + 1))).toEqual([
      'HS3_CPL_ATB_12203a_20120906.hdf5',
      'HS3_CPL_OP_12203a_20120906.hdf5',
      'flight.sha256',
    ]);
    expect(receipt.files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'HS3_CPL_ATB_12203a_20120906.nc',
        'HS3_CPL_ATB_12203a_20120906.nc.meta.xml',
        'HS3_CPL_OP_12203a_20120906.nc',
        'HS3_CPL_OP_12203a_20120906.nc.met',
      ]),
    );
  });

  test('the one that lacks a file was shown as waiting until its deadline', () => {
    expect(before.sets).toMatchObject([{ granule: 'lonely', missing: ['OP_20120906.hdf5'] }]);
  });

  test('jobs shared containers, and each was run once', async () => {
    const jobs: Job[] = [];
    for await (const key of home.ctx.records.list(keys.jobs))
      jobs.push((await home.ctx.records.read<Job>(key))!.value);
    const attempts = jobs.flatMap((job) => job.attempts);
    expect(attempts).toHaveLength(9);
    expect(new Set(attempts.map(({ ref }) => ref)).size).toBeLessThan(5);
  });
});
