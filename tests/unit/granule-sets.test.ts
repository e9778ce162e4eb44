import { describe, expect, test } from '@jest/globals';
import { status } from '../../lib/pipeline/status.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { tryAgain } from '../../lib/pipeline/try-again.ts';
import { accept } from '../../lib/pipeline/accept.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import type { GranuleRule } from '../../lib/tasks/granule-rule.ts';
import { textTask, World, type WorldOptions } from '../doubles/world.ts';

const HOUR = 3_600_000;

const byParts: GranuleRule = {
  pattern: /^(?<granule>.+)\.(?<part>txt|xml)$/,
  complete: { parts: ['txt', 'xml'] },
  deadlineSeconds: 3600,
};
const byManifest: GranuleRule = {
  pattern: /^(?<granule>.+)\.granule\/[^/]+$/,
  complete: { manifest: /\.json$/ },
  deadlineSeconds: 3600,
};
const byCount: GranuleRule = {
  pattern: /^(?<granule>[^/]+)\/(?<part>[^/]+)$/,
  complete: { count: 3 },
  quietSeconds: 60,
  deadlineSeconds: 3600,
};

const worldOf = (granule: GranuleRule, options: WorldOptions = {}): World =>
  new World({ tasks: [{ ...textTask, granule }], ...options });

async function drop(world: World, key: string, body: string, sequence?: string): Promise<void> {
  await world.drop(`text/${key}`, body, sequence);
  while (await world.deliver());
}

async function pass(world: World, ms: number): Promise<void> {
  world.clock.advance(ms);
  await sweep(world.context);
  while (await world.deliver());
}

const inputsOf = (world: World, name: string): string[] => world.job(name).inputs.map((input) => input.name);

const list = (...files: object[]): string => JSON.stringify({ product: { name: 'g', files } });

describe('a granule of named parts', () => {
  test('starts once, with both files as inputs, when the second has come, in whatever order', async () => {
    const world = worldOf(byParts);
    await drop(world, 'a/one.xml', '<x/>');
    expect(world.allJobs()).toEqual([]);
    await drop(world, 'a/one.txt', 'hello');
    await world.settleAll();
    expect(world.job('a/one')).toMatchObject({ state: 'published', bytes: 9 });
    // What the task takes goes before what comes with it.
    expect(inputsOf(world, 'a/one')).toEqual(['one.txt', 'one.xml']);
    expect(world.runner.launches).toHaveLength(1);
    const receipt = JSON.parse(world.output('text/a/one/receipt.json') ?? 'null') as Receipt;
    expect(receipt.inputs.map(({ uri }) => uri)).toEqual([
      'memory://uploads/text/a/one.txt',
      'memory://uploads/text/a/one.xml',
    ]);
    expect([...world.records.records.keys()].filter((key) => key.startsWith('collecting/'))).toEqual([]);
  });

  test('shows in the status what it waits for', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.xml', '<x/>');
    const { sets, jobs } = await status(world.context);
    expect(jobs.waiting).toBe(0);
    expect(sets).toMatchObject([{ task: 'text', granule: 'one', parts: ['text/one.xml'], missing: ['txt'] }]);
    expect(Date.parse(sets[0]!.until) - Date.parse(sets[0]!.since)).toBe(HOUR);
    await drop(world, 'one.txt', 'hello');
    expect((await status(world.context)).sets).toEqual([]);
  });

  test('leaves files that are no part alone: each is a job', async () => {
    const world = worldOf({ ...byParts, pattern: /^(?<granule>g\d+)\.(?<part>txt|xml)$/ });
    await drop(world, 'single.txt', 'hello');
    await world.settleAll();
    expect(world.job('single')).toMatchObject({ state: 'published' });
  });

  test('told again, wholly or in part, is the same job', async () => {
    const world = worldOf(byParts);
    for (const _ of [1, 2]) {
      await drop(world, 'one.txt', 'hello', '01');
      await drop(world, 'one.xml', '<x/>', '02');
      await world.settleAll();
    }
    await drop(world, 'one.xml', '<x/>', '02');
    await world.settleAll();
    expect(world.runner.launches).toHaveLength(1);
  });

  test('dropped again with the same content is the same job', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.txt', 'hello', '01');
    await drop(world, 'one.xml', '<x/>', '02');
    await world.settleAll();
    await drop(world, 'one.txt', 'hello', '03');
    await drop(world, 'one.xml', '<x/>', '04');
    await world.settleAll();
    expect(world.runner.launches).toHaveLength(1);
  });

  test('takes the newest version of a part that changed before it was complete', async () => {
    const world = worldOf(byParts, {
      script: ({ inputs }) => ({ outputs: { 'out.txt': inputs.map(({ etag }) => etag).join(' ') } }),
    });
    await drop(world, 'one.txt', 'old', '01');
    await drop(world, 'one.txt', 'new', '03');
    // The older version’s event comes late.
    await accept(world.context, {
      kind: 'upload',
      key: 'text/one.txt',
      bytes: 3,
      etag: 'old',
      sequence: '02',
    });
    await drop(world, 'one.xml', '<x/>', '04');
    await world.settleAll();
    const etag = (await world.stores.uploads.head('text/one.txt'))?.etag ?? 'none';
    expect(world.output('text/one/out.txt')).toContain(etag);
  });

  test('is a new job when a part changes after it began, and the newer result stays', async () => {
    const world = worldOf(byParts, {
      script: ({ inputs }) => ({ outputs: { 'out.txt': inputs.map(({ etag }) => etag).join(' ') } }),
    });
    await drop(world, 'one.txt', 'old', '01');
    await drop(world, 'one.xml', '<x/>', '02');
    await drop(world, 'one.txt', 'new', '03');
    await world.settleAll();
    const etag = (await world.stores.uploads.head('text/one.txt'))?.etag ?? 'none';
    expect(world.output('text/one/out.txt')).toContain(etag);
    expect(world.allJobs()).toHaveLength(2);
  });

  test('that failed is tried again when a part is dropped again', async () => {
    const world = worldOf(byParts, { script: () => ({ exitCode: 65, lastLine: 'no header' }) });
    await drop(world, 'one.txt', 'hello', '01');
    await drop(world, 'one.xml', '<x/>', '02');
    await world.settleAll();
    await drop(world, 'one.txt', 'hello', '03');
    await world.settleAll();
    expect(world.allJobs().map(({ state }) => state)).toEqual(['quarantined', 'quarantined']);
  });

  test('whose own file is empty, or missing altogether, is set aside with the reason', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.txt', '');
    await drop(world, 'one.xml', '<x/>');
    await world.settleAll();
    expect(world.job('one')).toMatchObject({
      state: 'quarantined',
      reason: expect.stringContaining('empty'),
    });
  });
});

describe('a granule that is not complete at its deadline', () => {
  test('ends in quarantine once, with what is missing and what had come; the rest goes on', async () => {
    const world = worldOf(byParts);
    await drop(world, 'lonely.txt', 'hello');
    await drop(world, 'whole.txt', 'hello');
    await drop(world, 'whole.xml', '<x/>');
    await pass(world, HOUR - 60_000);
    expect(world.allJobs()).toHaveLength(1);
    await pass(world, 120_000);
    await pass(world, 120_000);
    await world.settleAll();
    expect(world.job('whole').state).toBe('published');
    const lonely = world.job('lonely');
    expect(lonely).toMatchObject({ state: 'quarantined', cause: 'incomplete' });
    expect(lonely.reason).toBe(
      'Not complete 1 h after its first file: missing xml; what had come: lonely.txt (5 bytes)',
    );
    expect(world.stores.quarantine.objects.has(`text/${lonely.id}/input/lonely.txt`)).toBe(true);
    expect(world.stores.uploads.objects.has('text/lonely.txt')).toBe(true);
    const found = await status(world.context);
    expect(found.sets).toEqual([]);
    expect(found.failures).toMatchObject([{ name: 'lonely', reason: lonely.reason }]);
    expect(world.runner.launches).toHaveLength(1);
  });

  test('is not tried again as it is, whoever asks: half a granule is none', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.txt', 'hello');
    await pass(world, 2 * HOUR);
    const { id, reason } = world.job('one');
    const { again } = await tryAgain(world.context, id);
    await world.settleAll();
    expect(again).toBe(false);
    expect(world.job('one')).toMatchObject({ state: 'quarantined', cause: 'incomplete', reason });
    expect(world.runner.launches).toHaveLength(0);
  });

  test('is opened again by a part that comes late: what had come still counts', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.txt', 'hello');
    await pass(world, 2 * HOUR);
    await drop(world, 'one.xml', '<x/>');
    await world.settleAll();
    expect(
      world
        .allJobs()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(['published', 'quarantined']);
  });

  test('told again of what had come stays ended', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.txt', 'hello', '01');
    await pass(world, 2 * HOUR);
    await drop(world, 'one.txt', 'hello', '01');
    await pass(world, 2 * HOUR);
    expect(world.allJobs()).toMatchObject([{ state: 'quarantined' }]);
  });

  test('has a new deadline from a late part on that still does not complete it', async () => {
    const world = worldOf(byParts);
    await drop(world, 'one.txt', 'hello', '01');
    await pass(world, 2 * HOUR);
    await drop(world, 'one.txt', 'hello again', '02');
    expect((await status(world.context)).sets).toMatchObject([{ missing: ['xml'] }]);
    await pass(world, 2 * HOUR);
    expect(world.allJobs().map(({ cause }) => cause)).toEqual(['incomplete', 'incomplete']);
  });
});

describe('a granule with a manifest', () => {
  test('starts when every listed file is there with the listed size, wherever the manifest comes', async () => {
    const world = worldOf(byManifest);
    await drop(world, 'g.granule/a.txt', 'half');
    await drop(world, 'g.granule/g.json', list({ name: 'a.txt', size: 5 }, { name: 'b.txt', size: 1 }));
    await drop(world, 'g.granule/b.txt', 'b');
    expect((await status(world.context)).sets).toMatchObject([
      { missing: ['a.txt with 5 bytes (what came has 4)'] },
    ]);
    await drop(world, 'g.granule/a.txt', 'whole');
    await world.settleAll();
    expect(world.job('g').state).toBe('published');
    expect(inputsOf(world, 'g')).toEqual(['a.txt', 'b.txt', 'g.json']);
  });

  test('hands the checksums on to be compared when the files are fetched', async () => {
    const world = worldOf(byManifest);
    const md5 = '5d41402abc4b2a76b9719d911017c592';
    await drop(world, 'g.granule/a.txt', 'hello');
    await drop(
      world,
      'g.granule/g.json',
      list({ name: 'a.txt', size: 5, checksum: md5, checksumType: 'md5' }),
    );
    await world.settleAll();
    expect(world.job('g').inputs[0]).toMatchObject({ name: 'a.txt', declared: { md5, by: 'g.json' } });
  });

  test('a file that it does not list is no input, and no new job', async () => {
    const world = worldOf(byManifest);
    await drop(world, 'g.granule/g.json', list({ name: 'a.txt' }));
    await drop(world, 'g.granule/a.txt', 'hello');
    await world.settleAll();
    await drop(world, 'g.granule/extra.txt', 'who asked?');
    await world.settleAll();
    expect(inputsOf(world, 'g')).toEqual(['a.txt', 'g.json']);
  });

  test.each([
    ['{"product": {}}', /no "files"/],
    ['{"files": []}', /lists no files/],
    ['{"files": [', /not JSON/],
    ['{"files": [{"name": "a.txt"}, "x/a.txt"]}', /"a.txt" twice/],
    ['{"files": [{"name": "a.txt", "size": -1}]}', /no number of bytes/],
    ['{"files": [{"name": "a.txt", "md5": "12"}]}', /has the md5 "12", which is none/],
  ])('that reads %j is set aside at once, and mended by a better one', async (body, reason) => {
    const world = worldOf(byManifest);
    await drop(world, 'g.granule/a.txt', 'hello');
    await drop(world, 'g.granule/g.json', body);
    expect(world.job('g')).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(reason) });
    // Told once, whatever else comes.
    await drop(world, 'g.granule/b.txt', 'hello');
    expect(world.allJobs()).toHaveLength(1);
    await drop(world, 'g.granule/g.json', list({ name: 'a.txt' }));
    await world.settleAll();
    expect(
      world
        .allJobs()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(['published', 'quarantined']);
  });

  test('of which there are two is set aside', async () => {
    const world = worldOf(byManifest);
    await drop(world, 'g.granule/a.json', list({ name: 'a.txt' }));
    await drop(world, 'g.granule/b.json', list({ name: 'a.txt' }));
    expect(world.job('g').reason).toMatch(/two manifests have come, a\.json and b\.json/);
  });
});

describe('a granule of so many files', () => {
  test('starts when they are there and nothing more has come for the quiet period', async () => {
    const world = worldOf(byCount);
    for (const name of ['a.txt', 'b.txt', 'c.txt']) await drop(world, `g/${name}`, name);
    await pass(world, 30_000);
    expect(world.allJobs()).toEqual([]);
    expect((await status(world.context)).sets).toMatchObject([{ granule: 'g', missing: [] }]);
    await drop(world, 'g/d.txt', 'one more');
    await pass(world, 59_000);
    expect(world.allJobs()).toEqual([]);
    await pass(world, 2000);
    await world.settleAll();
    expect(inputsOf(world, 'g')).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
    // The marker of the deadline is cleared away when its time comes, and starts nothing.
    await pass(world, HOUR);
    expect(world.runner.launches).toHaveLength(1);
    expect([...world.records.records.keys()].filter((key) => key.startsWith('collecting/'))).toEqual([]);
  });

  test('starts at its deadline though files go on coming', async () => {
    const world = worldOf(byCount);
    for (let at = 0; at < 100; at += 1) {
      await drop(world, `g/${String(at).padStart(2, '0')}.txt`, 'x');
      await pass(world, 50_000);
    }
    await world.settleAll();
    expect(world.allJobs().length).toBeGreaterThan(0);
  });

  test('says how many are missing when its time is over', async () => {
    const world = worldOf(byCount);
    await drop(world, 'g/a.txt', 'a');
    await pass(world, 2 * HOUR);
    expect(world.job('g').reason).toMatch(/missing 2 of 3 files; what had come: a\.txt/);
  });

  test('that comes all at once, from several processes, is one job', async () => {
    const world = worldOf({ ...byCount, complete: { count: 20 } });
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const { bytes, etag } = await world.stores.uploads.put(`text/g/${at}.txt`, `${at}`);
        await accept(world.context, { kind: 'upload', key: `text/g/${at}.txt`, bytes, etag, sequence: '01' });
      }),
    );
    await Promise.all([pass(world, 61_000), sweep(world.context), sweep(world.context)]);
    await world.settleAll();
    expect(world.job('g').inputs).toHaveLength(20);
    expect(world.runner.launches).toHaveLength(1);
  });
});

test('parts of one base name have names of their own in the input folder', async () => {
  const world = worldOf({
    pattern: /^(?<granule>[^/]+)\/(?<part>.+)$/,
    complete: { parts: ['l/x.txt', 'r/x.txt'] },
    deadlineSeconds: 60,
  });
  await drop(world, 'g/l/x.txt', 'left');
  await drop(world, 'g/r/x.txt', 'right');
  await world.settleAll();
  const names = inputsOf(world, 'g');
  expect(names[0]).toBe('x.txt');
  expect(names[1]).toMatch(/^[0-9a-f]{8}-x\.txt$/);
});
