/** What every object store must do. Run by `object-store.*.test.ts`, once for each implementation. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { ObjectExistsError, ObjectMissingError, type ObjectStore } from '../../lib/ports.ts';

export interface ObjectStoreContext {
  /** Empty. */
  store: ObjectStore;
  /** Another empty store of the same backend. */
  other: ObjectStore;
  close(): Promise<void>;
}

/** Keys that are easily broken on their way through a URL, a path or a command line. */
const ODD_KEYS = [
  'plain.txt',
  'with space/and more.txt',
  'plus+plus/a+b.txt',
  'percent%20/100%.txt',
  'umlaut/Zürich – 東京.osm.pbf',
  'emoji/🗺️.map',
  'combining/e\u0301.txt',
  'quotes/"it\'s".txt',
  'shell/$(touch x);`y`&*?[z].txt',
  'question?/hash#/at@.txt',
  'equals=/colon:/comma,.txt',
  'back\\slash.txt',
  'tab\tand\nnewline.txt',
  '-leading/--dash.txt',
  '.hidden/.file',
  `${'n'.repeat(255)}.d/x`.slice(-255),
];

const longKey = (bytes: number): string => {
  let key = '';
  while (key.length < bytes) key += `${'k'.repeat(Math.min(100, bytes - key.length - 1) || 1)}/`;
  return `${key.slice(0, bytes - 1)}z`;
};

export function describeObjectStoreContract(
  name: string,
  makeContext: () => Promise<ObjectStoreContext>,
): void {
  describe(`${name} keeps the object store contract`, () => {
    let context: ObjectStoreContext;
    let folder: string;
    let store: ObjectStore;
    /** Each test has a prefix of its own. */
    let count = 0;
    const fresh = (): string => `t${String((count += 1)).padStart(3, '0')}`;
    const keysOf = async (prefix: string, after?: string): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix, after === undefined ? {} : { after })) keys.push(key);
      return keys;
    };

    beforeAll(async () => {
      context = await makeContext();
      store = context.store;
      folder = await mkdtemp(join(tmpdir(), 'longshore-object-store-'));
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
      await context.close();
    });

    test.each([
      ['text', (): string => 'Grüße'],
      ['bytes', (): Uint8Array => new TextEncoder().encode('Grüße')],
      ['a stream', (): Readable => Readable.from([Buffer.from('Grü'), Buffer.from('ße')])],
    ])('what is put as %s comes back, and is described alike by put, head and list', async (_, body) => {
      const key = `${fresh()}/greeting.txt`;
      const info = await store.put(key, body());
      expect(await text(await store.get(key))).toBe('Grüße');
      expect(info).toMatchObject({ key, bytes: 7 });
      expect(await store.head(key)).toMatchObject({ key, bytes: 7, etag: info.etag });
      const listed = [];
      for await (const object of store.list(key)) listed.push(object);
      expect(listed).toMatchObject([{ key, bytes: 7, etag: info.etag }]);
      expect(info.etag).not.toMatch(/"/);
    });

    test('an empty object is an object', async () => {
      const key = `${fresh()}/empty`;
      await store.put(key, '');
      expect(await store.head(key)).toMatchObject({ bytes: 0 });
      expect(await text(await store.get(key))).toBe('');
    });

    test('what is not there has no head, cannot be read, and can be deleted', async () => {
      const key = `${fresh()}/nothing`;
      expect(await store.head(key)).toBeUndefined();
      await expect(store.get(key)).rejects.toThrow(ObjectMissingError);
      await expect(store.download(key, join(folder, 'nothing'))).rejects.toThrow(ObjectMissingError);
      await expect(store.copyFrom(context.other, key, key)).rejects.toThrow(ObjectMissingError);
      await expect(store.delete(key)).resolves.toBeUndefined();
    });

    test('a folder of objects is not an object', async () => {
      const prefix = fresh();
      await store.put(`${prefix}/folder/file`, 'x');
      expect(await store.head(`${prefix}/folder`)).toBeUndefined();
      await expect(store.get(`${prefix}/folder`)).rejects.toThrow(ObjectMissingError);
    });

    test('a second put replaces the object, and another content of the same size has another ETag', async () => {
      const key = `${fresh()}/replaced`;
      const etags = new Set<string>();
      for (const content of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee'])
        etags.add((await store.put(key, content)).etag);
      expect(etags.size).toBe(5);
      expect(await text(await store.get(key))).toBe('eeee');
      expect((await store.head(key))?.etag).toBe([...etags].at(-1));
    });

    test('put with ifNoneMatch creates and never replaces', async () => {
      const key = `${fresh()}/once`;
      await store.put(key, 'first', { ifNoneMatch: '*' });
      await expect(store.put(key, 'second', { ifNoneMatch: '*' })).rejects.toThrow(ObjectExistsError);
      expect(await text(await store.get(key))).toBe('first');
    });

    test('of 50 that create one key at once, exactly one wins, and its content stands', async () => {
      const key = `${fresh()}/race`;
      const ends = await Promise.allSettled(
        Array.from(
          { length: 50 },
          async (_, index) => await store.put(key, `winner ${index}`, { ifNoneMatch: '*' }),
        ),
      );
      const winners = ends.flatMap((end, index) => (end.status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await text(await store.get(key))).toBe(`winner ${winners[0]}`);
      const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
      expect(new Set(errors.map((error) => error.name))).toEqual(new Set(['ObjectExistsError']));
    });

    test('readers see the old or the new object whole while it is replaced', async () => {
      const key = `${fresh()}/whole`;
      const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
      await store.put(key, contents[0] ?? '');
      const write = async (): Promise<void> => {
        for (const content of contents) await store.put(key, content);
      };
      const read = async (): Promise<string[]> => {
        const seen: string[] = [];
        for (let turn = 0; turn < 8; turn++) seen.push(await text(await store.get(key)));
        return seen;
      };
      const [, seen] = await Promise.all([write(), read()]);
      for (const content of seen) expect(contents.includes(content)).toBe(true);
    });

    test('a put whose stream fails leaves nothing behind', async () => {
      const prefix = fresh();
      const failing = Readable.from(
        (async function* () {
          yield Buffer.alloc(100_000);
          throw new Error('the source broke');
        })(),
      );
      await expect(store.put(`${prefix}/broken`, failing)).rejects.toThrow('the source broke');
      expect(await keysOf(`${prefix}/`)).toEqual([]);
    });

    test.each(ODD_KEYS)('key %j is stored, listed, downloaded, copied and deleted', async (odd) => {
      const prefix = fresh();
      const key = `${prefix}/${odd}`;
      await store.put(key, odd);
      expect(await keysOf(`${prefix}/`)).toEqual([key]);
      expect(await text(await store.get(key))).toBe(odd);
      const path = join(folder, prefix, 'file');
      await store.download(key, path);
      expect(await readFile(path, 'utf8')).toBe(odd);
      await context.other.copyFrom(store, key, key);
      expect(await text(await context.other.get(key))).toBe(odd);
      await store.delete(key);
      expect(await keysOf(`${prefix}/`)).toEqual([]);
    });

    test('a key of 1,024 bytes is stored', async () => {
      const key = longKey(1024);
      expect(Buffer.byteLength(key)).toBe(1024);
      await store.put(key, 'long');
      expect(await text(await store.get(key))).toBe('long');
      await store.delete(key);
    });

    test('a key of more than 1,024 bytes is refused', async () => {
      await expect(store.put(longKey(1025), 'x')).rejects.toThrow(/long|limit/i);
    });

    test.each([
      ['a part', 2, 5, '2345'],
      ['one byte', 0, 0, '0'],
      ['the end', 7, 9, '789'],
      ['a range that reaches past the end', 8, 1000, '89'],
    ])('get reads %s', async (_, start, end, expected) => {
      const key = `${fresh()}/digits`;
      await store.put(key, '0123456789');
      expect(await text(await store.get(key, { start, end }))).toBe(expected);
    });

    test('list is in order of UTF-8 bytes over whole keys', async () => {
      const prefix = fresh();
      const names = ['a-b', 'a/b', 'a0', 'a', 'A', 'a b', 'a/b/c', 'a/B', 'ä', 'b', '～', '🗺', 'a.d/x', 'a+'];
      // A folder cannot hold a file and a folder of one name; S3 can.
      const keys = names.filter((one) => !['a', 'a/b'].includes(one)).map((one) => `${prefix}/${one}`);
      await Promise.all(keys.map(async (key) => await store.put(key, 'x')));
      const sorted = keys.toSorted((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)));
      expect(await keysOf(`${prefix}/`)).toEqual(sorted);
      for (const [index, after] of sorted.entries()) {
        expect(await keysOf(`${prefix}/`, after)).toEqual(sorted.slice(index + 1));
      }
    });

    test('list takes any prefix, also in the middle of a name, and any place to go on from', async () => {
      const prefix = fresh();
      for (const one of ['ab/1', 'ab/2', 'abc/1', 'b/1']) await store.put(`${prefix}/${one}`, 'x');
      expect(await keysOf(`${prefix}/ab`)).toEqual([`${prefix}/ab/1`, `${prefix}/ab/2`, `${prefix}/abc/1`]);
      expect(await keysOf(`${prefix}/ab/`)).toEqual([`${prefix}/ab/1`, `${prefix}/ab/2`]);
      expect(await keysOf(`${prefix}/`, `${prefix}/ab/15`)).toEqual([
        `${prefix}/ab/2`,
        `${prefix}/abc/1`,
        `${prefix}/b/1`,
      ]);
      expect(await keysOf(`${prefix}/`, `${prefix}/z`)).toEqual([]);
      expect(await keysOf(`${prefix}/none`)).toEqual([]);
    });

    test('list goes on past the 1,000 keys of one S3 page', async () => {
      const prefix = fresh();
      const keys = Array.from({ length: 1003 }, (_, index) => `${prefix}/${String(index).padStart(4, '0')}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map(async (key) => await store.put(key, '')));
      }
      expect(await keysOf(`${prefix}/`)).toEqual(keys);
      expect(await keysOf(`${prefix}/`, keys[998])).toEqual(keys.slice(999));
    }, 120_000);

    test('upload and download carry a file of several parts', async () => {
      const prefix = fresh();
      const content = randomBytes(20 * 1024 * 1024 + 1);
      const path = join(folder, `${prefix}-up`);
      await writeFile(path, content);
      const info = await store.upload(path, `${prefix}/big`);
      expect(info).toMatchObject({ key: `${prefix}/big`, bytes: content.length });
      const down = join(folder, prefix, 'deep', 'down');
      await store.download(`${prefix}/big`, down);
      expect((await readFile(down)).equals(content)).toBe(true);
      const part = { start: 10 * 1024 * 1024 - 3, end: 10 * 1024 * 1024 + 3 };
      expect(
        (await buffer(await store.get(`${prefix}/big`, part))).equals(
          content.subarray(part.start, part.end + 1),
        ),
      ).toBe(true);
    }, 60_000);

    test('upload with ifNoneMatch creates and never replaces', async () => {
      const prefix = fresh();
      const path = join(folder, `${prefix}-once`);
      await writeFile(path, 'second');
      await store.put(`${prefix}/once`, 'first');
      await expect(store.upload(path, `${prefix}/once`, { ifNoneMatch: '*' })).rejects.toThrow(
        ObjectExistsError,
      );
      expect(await text(await store.get(`${prefix}/once`))).toBe('first');
    });

    test('download replaces a file that is there, and may be done twice', async () => {
      const prefix = fresh();
      const path = join(folder, prefix, 'file');
      await store.put(`${prefix}/one`, 'one');
      await store.put(`${prefix}/two`, 'two');
      await store.download(`${prefix}/one`, path);
      await store.download(`${prefix}/two`, path);
      await store.download(`${prefix}/two`, path);
      expect(await readFile(path, 'utf8')).toBe('two');
      expect(await text(await store.get(`${prefix}/one`))).toBe('one');
    });

    test('a copy stays when its original goes or changes', async () => {
      const prefix = fresh();
      await store.put(`${prefix}/original`, 'as it was');
      const info = await context.other.copyFrom(store, `${prefix}/original`, `${prefix}/copy`);
      expect(info).toMatchObject({ key: `${prefix}/copy`, bytes: 9 });
      await store.put(`${prefix}/original`, 'as it is now');
      expect(await text(await context.other.get(`${prefix}/copy`))).toBe('as it was');
      await store.delete(`${prefix}/original`);
      expect(await text(await context.other.get(`${prefix}/copy`))).toBe('as it was');
    });

    test('uri tells where an object is, and has no blanks', () => {
      expect(store.uri('a b/c.map')).toMatch(/^(s3|file):\/\/\S+\.map$/);
    });
  });
}
