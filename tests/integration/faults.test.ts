/** What people drop that is no map, and what machines do: each with its reason, none in the way of the rest. */
import { execFile } from 'node:child_process';
import {
  access,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { RunResult } from '../../cli/run-result.ts';
import { findEngine } from '../../lib/local/engine.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import type { EndedJob, Status } from '../../lib/pipeline/status.ts';
import { serveMirror, writeMirror, type Mirror } from '../../scripts/sample/mirror.ts';
import { longshore, startLongshore } from '../tools/command.ts';

jest.setTimeout(300_000);

const run = promisify(execFile);
const engine = (await findEngine()).engine;
const isRoot = process.getuid?.() === 0;

let folder: string;
let brack: string;
let holm: string;
let mirror: Mirror;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-faults-'));
  const extracts = await writeMirror(join(folder, 'mirror'));
  const extract = (name: string): string => extracts.find((path) => path.includes(name))!;
  brack = extract('brack');
  holm = extract('holm');
  mirror = await serveMirror(join(folder, 'mirror'));
});

afterAll(async () => {
  await mirror.close();
  await rm(folder, { recursive: true, force: true });
});

async function statusOf(home: string): Promise<Status> {
  return JSON.parse((await longshore('status', '--home', home, '--json')).stdout) as Status;
}

async function receiptOf(job: { receipt?: string }): Promise<Receipt> {
  return JSON.parse(await readFile(fileURLToPath(job.receipt!), 'utf8')) as Receipt;
}

async function dropBytes(home: string, key: string, bytes: string | Buffer): Promise<void> {
  const path = join(home, 'uploads', key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

describe('dropped side by side', () => {
  let home: string;
  let status: Status;
  const long = longKey();

  beforeAll(async () => {
    home = join(folder, 'dropped');
    const good = await readFile(brack);
    await dropBytes(home, 'osm-mapsforge/empty.osm.pbf', '');
    await dropBytes(home, 'osm-mapsforge/cut.osm.pbf', good.subarray(0, Math.floor(good.length * 0.7)));
    await dropBytes(home, 'osm-mapsforge/letter.osm.pbf', 'Dear map, how are you?\n');
    await dropBytes(home, 'osm-mapsforge/brack.osm', 'not the right ending');
    await dropBytes(home, 'osm-mapsfroge/brack.osm.pbf', good);
    await dropBytes(home, 'brack.osm.pbf', good);
    await dropBytes(home, 'osm-mapsforge/odd folder/100 % + ünï «å» b.osm.pbf', good);
    await dropBytes(home, long, good);
    await dropBytes(home, 'osm-mapsforge/good.osm.pbf', good);
    const up = await longshore('up', '--until-idle', '--home', home);
    expect(up.code).toBe(0);
    status = await statusOf(home);
  });

  const failure = (name: string): EndedJob => {
    const found = status.failures.filter((one) => one.name === name);
    expect(found).toHaveLength(1);
    return found[0]!;
  };

  test('the good ones are published, whatever they are called', async () => {
    expect(status.jobs).toMatchObject({ waiting: 0, running: 0, published: 3, failed: 0, quarantined: 6 });
    expect(Buffer.byteLength(long)).toBe(1024);
    const published = join(home, 'output/osm-mapsforge/odd folder/100 % + ünï «å» b');
    expect(await readdir(published)).toEqual(
      expect.arrayContaining(['100 % + ünï «å» b.map', 'receipt.json']),
    );
    const receipt = JSON.parse(await readFile(join(published, 'receipt.json'), 'utf8')) as Receipt;
    expect(fileURLToPath(receipt.inputs[0]!.uri)).toBe(
      join(home, 'uploads/osm-mapsforge/odd folder/100 % + ünï «å» b.osm.pbf'),
    );
  });

  test.each([
    ['empty', /"empty\.osm\.pbf" is empty/, 0],
    ['cut', /cut\.osm\.pbf.*(truncated|ends|cut)/i, 1],
    ['letter', /letter\.osm\.pbf.*not an OSM PBF/, 1],
    ['brack.osm', /osm-mapsforge takes \*\.osm\.pbf; "brack\.osm" is none/, 0],
  ])('%s is set aside for its own reason', async (name, reason, attempts) => {
    const job = failure(name);
    expect(job).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(reason) });
    const receipt = await receiptOf(job);
    expect(receipt).toMatchObject({ state: 'quarantined', reason: job.reason });
    expect(receipt.attempts).toHaveLength(attempts);
    const [kept] = await readdir(join(dirname(fileURLToPath(job.receipt!)), 'input'));
    expect(kept).toMatch(new RegExp(`^${name}`));
    // Nothing is lost: what was dropped is where it was, and beside the reason.
    await access(fileURLToPath(receipt.inputs[0]!.uri));
  });

  test('files for no task tell which tasks there are', () => {
    const reasons = status.failures
      .filter(({ cause }) => cause === 'unknown-task')
      .map(({ reason }) => reason);
    expect(reasons).toEqual([
      expect.stringMatching(/no task "osm-mapsfroge".*tasks are: .*osm-mapsforge/),
      expect.stringMatching(/outside any task’s folder.*tasks are: .*osm-mapsforge/),
    ]);
  });

  test('the same file again is no new job, a changed one is', async () => {
    const good = await readFile(brack);
    await dropBytes(home, 'osm-mapsforge/good.osm.pbf', good);
    await longshore('up', '--until-idle', '--home', home);
    expect((await statusOf(home)).jobs.published).toBe(3);
    const before = await readFile(join(home, 'output/osm-mapsforge/good/good.map'));

    await copyFile(holm, join(home, 'uploads/osm-mapsforge/good.osm.pbf'));
    await longshore('up', '--until-idle', '--home', home);
    expect((await statusOf(home)).jobs).toMatchObject({ published: 4, quarantined: 6 });
    expect(await readFile(join(home, 'output/osm-mapsforge/good/good.map'))).not.toEqual(before);
  });
});

/** 1,024 bytes with the task's folder, in parts that a file system can hold. */
function longKey(): string {
  const parts = ['osm-mapsforge', 'ä'.repeat(120), 'b'.repeat(240), 'ü'.repeat(120), 'd'.repeat(80)].join(
    '/',
  );
  return `${parts}/${'c'.repeat(1024 - Buffer.byteLength(parts) - 1 - '.osm.pbf'.length)}.osm.pbf`;
}

const asked = async (home: string, ...set: string[]): Promise<RunResult> => {
  const args = set.flatMap((one) => ['--set', one]);
  const ended = await longshore('run', 'osm-mapsforge', ...args, '--home', home, '--json');
  return JSON.parse(ended.stdout) as RunResult;
};

describe('asked for', () => {
  test('an extract whose MD5 is not its own is refused, with both sums', async () => {
    const broken = join(folder, 'broken-mirror');
    await cp(join(folder, 'mirror'), broken, { recursive: true });
    await writeFile(
      join(broken, 'sample/brack-latest.osm.pbf.md5'),
      `${'0'.repeat(32)}  brack-latest.osm.pbf\n`,
    );
    const server = await serveMirror(broken);
    try {
      const result = await asked(join(folder, 'asked'), 'area=sample/brack', `mirror=${server.url}`);
      expect(result).toMatchObject({ state: 'quarantined', cause: 'bad-input', outputs: [] });
      expect(result.reason).toMatch(/0{32}/);
      expect(result.reason).toMatch(/[0-9a-f]{32}.*[0-9a-f]{32}/);
    } finally {
      await server.close();
    }
  });

  test('an area that is published and fresh is not made again', async () => {
    const home = join(folder, 'asked');
    const set = ['area=sample/brack', `mirror=${mirror.url}`, 'freshness=30'];
    expect(await asked(home, ...set)).toMatchObject({ state: 'published', attempts: 1 });
    const again = await asked(home, ...set);
    expect(again).toMatchObject({
      state: 'published',
      attempts: 0,
      costUsd: 0,
      reason: expect.stringMatching(/^Fresh/),
    });
    expect(again.outputs.length).toBeGreaterThan(0);
  });

  test('a new map much smaller than the published one is set aside, and the old one stays', async () => {
    const home = join(folder, 'shrunk');
    const place = join(home, 'uploads/osm-mapsforge/island.osm.pbf');
    await mkdir(dirname(place), { recursive: true });
    await copyFile(holm, place);
    await longshore('up', '--until-idle', '--home', home);
    const map = join(home, 'output/osm-mapsforge/island/island.map');
    const before = await readFile(map);
    await copyFile(brack, place);
    await longshore('up', '--until-idle', '--home', home);
    const status = await statusOf(home);
    expect(status.jobs).toMatchObject({ published: 1, quarantined: 1 });
    expect(status.failures[0]).toMatchObject({
      cause: 'invalid-output',
      reason: expect.stringMatching(/70 %/),
    });
    expect(await readFile(map)).toEqual(before);
    const outputs = join(dirname(fileURLToPath(status.failures[0]!.receipt!)), 'output');
    expect(await readdir(outputs)).toContain('island.map');
  });
});

const needsEngine = engine ? test : test.skip;
const needsRoot = engine && isRoot ? test : test.skip;

describe('machines', () => {
  needsEngine('a container killed from outside is started again', async () => {
    const home = join(folder, 'killed');
    await dropBytes(home, 'osm-mapsforge/holm.osm.pbf', await readFile(holm));
    const up = startLongshore(['up', '--until-idle', '--home', home]);
    let ref: string | undefined;
    while (ref === undefined) {
      ref = (await statusOf(home)).running.find(({ phase }) => phase === 'processing')?.ref;
      await sleep(20);
    }
    await run(engine!.kind, ['kill', ref]);
    expect((await up.ended).code).toBe(0);
    const receipt = JSON.parse(
      await readFile(join(home, 'output/osm-mapsforge/holm/receipt.json'), 'utf8'),
    ) as Receipt;
    expect(receipt.attempts.map(({ cause }) => cause)).toEqual(['killed', 'succeeded']);
  });

  needsRoot(
    'a full disk in the work folder fails the job, and says so (needs root to mount a small disk)',
    async () => {
      const home = join(folder, 'full');
      await mkdir(join(home, 'work'), { recursive: true });
      await run('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', join(home, 'work')]);
      try {
        await dropBytes(home, 'osm-mapsforge/holm.osm.pbf', await readFile(holm));
        await longshore('up', '--until-idle', '--home', home);
        const status = await statusOf(home);
        expect(status.jobs).toMatchObject({ published: 0, failed: 1, running: 0 });
        expect(status.failures[0]?.reason).toMatch(/disk|space/i);
      } finally {
        await run('umount', ['-l', join(home, 'work')]);
      }
      // With room again, dropping it again is all it takes.
      await truncate(join(home, 'uploads/osm-mapsforge/holm.osm.pbf'), 0);
      await copyFile(holm, join(home, 'uploads/osm-mapsforge/holm.osm.pbf'));
      await longshore('up', '--until-idle', '--home', home);
      expect((await statusOf(home)).jobs.published).toBe(1);
    },
  );
});
