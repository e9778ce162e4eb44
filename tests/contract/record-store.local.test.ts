/** The folder records, by the contract, between processes, and with processes that are killed. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderRecords } from '../../lib/local/folder-records.ts';
import { describeRecordStoreContract } from './record-store.suite.ts';
import { tempFolder, type TempFolder } from './support/temp.ts';

describeRecordStoreContract('FolderRecords', async () => {
  const temp = await tempFolder('records');
  return { records: new FolderRecords(temp.path), close: async () => await temp.remove() };
});

interface Counter {
  count: number;
  last: Record<string, number>;
}

/** A process that counts until it is killed with SIGKILL; resolves to the additions that it knew of. */
const counter = (folder: string, name: string): { kill(): Promise<number> } => {
  const script = join(import.meta.dirname, 'support', 'count.ts');
  const child = spawn(process.execPath, [script, folder, 'counter', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const known = text(child.stdout);
  const ended = once(child, 'exit');
  return {
    kill: async () => {
      child.kill('SIGKILL');
      const [code, signal] = (await ended) as [number | null, string | null];
      expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
      return (await known).split('\n').length - 1;
    },
  };
};

/** A home with one record, after the first steps of a change. */
const dead = async (root: string, steps: (folder: string, version: string) => Promise<void>) => {
  const records = new FolderRecords(root);
  const version = (await records.create('x', { at: 'first' })) ?? '';
  await steps(join(root, 'x.json'), version);
  return { records, version, folder: join(root, 'x.json') };
};

describe('FolderRecords', () => {
  let temp: TempFolder;
  beforeAll(async () => {
    temp = await tempFolder('records');
  });
  afterAll(async () => {
    await temp.remove();
  });

  test('processes that count together and are killed in the middle lose nothing that they knew of', async () => {
    const folder = join(temp.path, 'killed');
    const records = new FolderRecords(folder);
    let known = 0;
    const lastKnown: Record<string, number> = {};
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      const names = ['a', 'b', 'c'].map((name) => `${name}${round}`);
      const processes = names.map((name) => counter(folder, name));
      // Not before all of them are at it, so that the kill comes in the middle of something.
      for (;;) {
        const last = (await records.read<Counter>('counter'))?.value.last ?? {};
        if (names.every((name) => (last[name] ?? 0) >= 3)) break;
        await sleep(10);
      }
      const counts = await Promise.all(processes.map(async (one) => await one.kill()));
      counts.forEach((count, index) => (lastKnown[names[index] ?? ''] = count));
      known += counts.reduce((sum, count) => sum + count, 0);
    }
    const { value, version } = (await records.read<Counter>('counter')) ?? {};
    // Each of the 15 killed processes may have made one more addition, and died before it could tell.
    expect(value?.count).toBeGreaterThanOrEqual(known);
    expect(value?.count).toBeLessThanOrEqual(known + rounds * 3);
    for (const [name, count] of Object.entries(lastKnown)) {
      expect([count, count + 1]).toContain(value?.last[name]);
    }
    expect(value?.count).toBe(Object.values(value?.last ?? {}).reduce((sum, count) => sum + count, 0));
    // What they left half done does not stay.
    expect(await records.replace('counter', { done: true }, version ?? '')).toEqual(expect.any(String));
    expect(await readdir(join(folder, 'counter.json'))).toHaveLength(1);
  }, 120_000);

  describe('a writer that died between any two of its calls', () => {
    const later = '0000000001-00000000beef';

    test('before its change: the record is as it was', async () => {
      const { records, version, folder } = await dead(join(temp.path, 'wish'), async (at, from) => {
        await writeFile(join(at, `${from}+${later}.next`), '{"at":"second"}');
      });
      expect(await records.read('x')).toEqual({ value: { at: 'first' }, version });
      expect(await records.replace('x', { at: 'third' }, version)).toEqual(expect.any(String));
      expect(await readdir(folder)).toHaveLength(1);
    });

    test('in the middle of writing it: the record is as it was', async () => {
      const { records, version } = await dead(join(temp.path, 'torn'), async (at, from) => {
        await writeFile(join(at, `${from}+${later}.next`), '{"at":"sec');
      });
      expect(await records.read('x')).toEqual({ value: { at: 'first' }, version });
    });

    test.each([
      ['right after its change', false],
      ['before it was all tidied', true],
    ])('%s: the record is changed, and can be changed again', async (when, moved) => {
      const { records, version, folder } = await dead(join(temp.path, when), async (at, from) => {
        await writeFile(join(at, `${from}+${later}.next`), '{"at":"second"}');
        await rename(join(at, `${from}.json`), join(at, `${from}+${later}.done`));
        if (moved) await rename(join(at, `${from}+${later}.next`), join(at, `${later}.json`));
      });
      expect(await records.read('x')).toEqual({ value: { at: 'second' }, version: later });
      expect(await records.replace('x', { at: 'late' }, version)).toBeUndefined();
      expect(await records.replace('x', { at: 'third' }, later)).toEqual(expect.any(String));
      expect((await records.read('x'))?.value).toEqual({ at: 'third' });
      expect(await readdir(folder)).toHaveLength(1);
    });

    test('while it created or deleted: there is no record, and one can be made', async () => {
      const root = join(temp.path, 'created');
      const records = new FolderRecords(root);
      await mkdir(join(root, '.longshore-tmp.records', 'half'), { recursive: true });
      const keys = [];
      for await (const key of records.list('')) keys.push(key);
      expect(keys).toEqual([]);
      expect(await records.create('x', {})).toEqual(expect.any(String));
    });
  });

  test('a record that was edited by hand into something else is an error that names it', async () => {
    const root = join(temp.path, 'edited');
    const records = new FolderRecords(root);
    const version = await records.create('jobs/x', {});
    await writeFile(join(root, 'jobs', 'x.json', `${version}.json`), 'not json');
    await expect(records.read('jobs/x')).rejects.toThrow(`jobs/x.json/${version}.json is not JSON`);
  });

  test.each([
    ['../x', 'would lead out'],
    ['a.json/b', 'cannot end in .json'],
    ['n'.repeat(251), '256 bytes'],
  ])('refuses the key %j', async (key, why) => {
    await expect(new FolderRecords(temp.path).create(key, {})).rejects.toThrow(why);
  });
});
