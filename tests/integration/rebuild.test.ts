/** A world in small, rebuilt by the command from a mirror: killed again and again, started twice, cancelled, out of budget. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Plan } from '../../lib/pipeline/plan.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import type { Status } from '../../lib/pipeline/status.ts';
import { serveMirror, writeMirror, type Mirror } from '../../scripts/sample/mirror.ts';
import { longshore, startLongshore } from '../tools/command.ts';
import { findRealData } from '../tools/real-data.ts';

jest.setTimeout(600_000);

let folder: string;
let mirror: Mirror;

const AREAS = 30;
const names = Array.from({ length: AREAS }, (_, at) => `sample/isle-${String(at).padStart(2, '0')}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-rebuild-'));
  // Of different sizes, each far from all others.
  const islands = names.map((id, at) => ({
    id,
    name: id.slice(id.indexOf('/') + 1),
    lon: -40 + at,
    lat: -45,
    seed: at + 1,
    sizeKm: 2 + (at % 3),
  }));
  await writeMirror(join(folder, 'mirror'), islands);
  mirror = await serveMirror(join(folder, 'mirror'));
});

afterAll(async () => {
  await mirror.close();
  await rm(folder, { recursive: true, force: true });
});

async function manifestOf(name: string, more: object = {}): Promise<string> {
  const path = join(folder, `${name}.json`);
  const manifest = {
    task: 'osm-mapsforge',
    index: `${mirror.url}/index-v1.json`,
    params: { skipPoi: true },
    ...more,
  };
  await writeFile(path, JSON.stringify(manifest));
  return path;
}

const readJson = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await readFile(join(...path), 'utf8')) as T;
const statusOf = async (home: string, run: string): Promise<Status> =>
  JSON.parse((await longshore('status', run, '--home', home, '--json')).stdout) as Status;
const receiptOf = async (home: string, name: string): Promise<Receipt> =>
  await readJson<Receipt>(home, 'output/osm-mapsforge', name, 'receipt.json');

describe('a rebuild of 30 areas', () => {
  test('killed ten times makes 30 maps, each once', async () => {
    const home = join(folder, 'killed');
    const manifest = await manifestOf('isles');
    await writeFile(join(folder, 'ignored'), '');
    const command = ['rebuild', manifest, '--run', 'isles', '--home', home];
    // From before the plan is made to when most maps are out, in uneven steps; containers run on each time.
    for (const ms of [700, 1100, 1400, 1800, 2500, 3100, 3900, 4700, 5300, 6100]) {
      const rebuild = startLongshore(command);
      await Promise.race([sleep(ms), rebuild.ended]);
      rebuild.child.kill('SIGKILL');
      await rebuild.ended;
    }
    const last = await longshore(...command, '--json');
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(last.stdout)).toMatchObject({
      run: 'isles',
      jobs: { published: AREAS },
      fresh: 0,
      failures: [],
    });
    for (const name of names) {
      const { attempts, files, run } = await receiptOf(home, name);
      expect({ name, run, attempts }).toMatchObject({
        run: 'isles',
        attempts: [{ attempt: 1, cause: 'succeeded' }],
      });
      expect(attempts).toHaveLength(1);
      const map = files.find((file) => file.name.endsWith('.map'))!;
      expect((await stat(join(home, 'output', map.key))).size).toBe(map.bytes);
    }
    const plan = await readJson<Plan>(home, 'output/.runs/isles/plan.json');
    expect(plan.jobs.map(({ name }) => name).sort()).toEqual(names);
    const areas = await readJson<{ features: object[] }>(home, 'output/.runs/isles/areas.geojson');
    expect(areas.features).toHaveLength(AREAS);
  });
});

describe('a rebuild of a few areas', () => {
  test('plans without starting anything; within a budget makes what it pays for, and with more the rest', async () => {
    const home = join(folder, 'budget');
    const manifest = await manifestOf('few', { include: ['isle-0[0-3]'].map((glob) => `sample/${glob}`) });
    const planned = await longshore('rebuild', manifest, '--plan', '--json', '--home', home);
    const plan = JSON.parse(planned.stdout) as Plan;
    expect(plan).toMatchObject({ totals: { jobs: 4, fresh: 0 }, maxTasks: expect.any(Number) });
    expect((await statusOf(home, plan.run)).runs).toEqual([]);

    // Enough for two by the plan, and for no third whatever the two really cost: they cost less than expected.
    const each = plan.jobs[0]!.costUsd.onDemand;
    const command = ['rebuild', manifest, '--json', '--home', home, '--max-cost'];
    const first = await longshore(...command, (1.05 * each).toFixed(6));
    expect(first.code).toBe(1);
    const { jobs, held } = JSON.parse(first.stdout) as { jobs: Status['jobs']; held: number };
    expect(jobs.published).toBeGreaterThan(0);
    expect(jobs.published).toBeLessThan(4);
    expect(held).toBe(4 - jobs.published);
    const shown = await longshore('status', plan.run, '--home', home);
    expect(shown.stdout).toContain(`${held} waiting jobs are held by its budget`);

    expect((await longshore(...command, '50')).code).toBe(0);
    expect(await statusOf(home, plan.run)).toMatchObject({
      jobs: { published: 4 },
      budgets: [{ capUsd: 50, held: 0 }],
    });
  });

  test('cancelled as a whole stops its containers; retried, the same jobs are made', async () => {
    const home = join(folder, 'cancelled');
    const manifest = await manifestOf('cancelled', { include: ['sample/isle-1[0-2]'] });
    const command = ['rebuild', manifest, '--run', 'c', '--home', home];
    await longshore(...command, '--no-wait');
    const up = startLongshore(['up', '--home', home]);
    while ((await statusOf(home, 'c')).running.length === 0) await sleep(100);
    up.child.kill('SIGKILL');
    await up.ended;
    const cancelled = await longshore('cancel', 'c', '--home', home, '--json');
    const states = (JSON.parse(cancelled.stdout) as { state: string }[]).map(({ state }) => state);
    expect(states).toHaveLength(3);
    expect(states.filter((state) => state === 'cancelled').length).toBeGreaterThan(1);
    expect((await statusOf(home, 'c')).jobs).toMatchObject({ waiting: 0, running: 0 });

    expect((await longshore('retry', 'c', '--home', home)).code).toBe(2);
    expect((await longshore('retry', 'c', '--failed', '--home', home)).code).toBe(0);
    const again = startLongshore(['up', '--until-idle', '--home', home]);
    const watched = await longshore('status', 'c', '--watch', '--home', home);
    expect((await again.ended).code).toBe(0);
    expect(watched.code).toBe(0);
    expect(watched.stdout).toMatch(/^c +0 +0 +3 /m);
    for (const name of ['sample/isle-10', 'sample/isle-11', 'sample/isle-12'])
      expect(await receiptOf(home, name)).toMatchObject({ run: 'c', state: 'published' });
  });
});

const data = findRealData(process.env);

(data === undefined ? describe.skip : describe)('real areas (LONGSHORE_REAL_DATA)', () => {
  test('are rebuilt once; the second time there is nothing to do, and the command says why', async () => {
    const real = await serveMirror(data!);
    const home = join(folder, 'real');
    const params = { mirror: real.url, freshness: 25 };
    const manifest = await manifestOf('europe', { index: join(data!, 'index-v1.json'), params });
    const command = ['rebuild', manifest, '--home', home];
    const first = await longshore(...command, '--run', 'november', '--json');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(first.stdout)).toMatchObject({ jobs: { published: 3 }, fresh: 0 });
    const asked = real.requests.length;

    const second = await longshore(...command, '--run', 'november');
    expect(second).toMatchObject({
      code: 0,
      stderr: 'november: nothing to do, of 3 jobs; 3 made by this run before\n',
    });
    expect(real.requests).toHaveLength(asked);

    const third = await longshore(...command, '--run', 'december');
    expect(third.code).toBe(0);
    expect(third.stderr).toBe('december: nothing to do, of 3 jobs; 3 fresh, their sources unchanged\n');
    const got = real.requests
      .slice(asked)
      .filter(({ method, path }) => method === 'GET' && path.endsWith('.pbf'));
    expect(got).toEqual([]);

    const plan = await longshore(...command, '--run', 'january', '--plan');
    expect(plan.stdout).toContain('0 of the 3 jobs of europe are to be made (3 fresh)');
    await real.close();
  });
});
