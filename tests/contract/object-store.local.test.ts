/** The folder store, by the contract and in what only a folder can do wrong. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import {
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { FolderStore } from '../../lib/local/folder-store.ts';
import { describeObjectStoreContract } from './object-store.suite.ts';
import { tempFolder, type TempFolder } from './support/temp.ts';

describeObjectStoreContract('FolderStore', async () => {
  const temp = await tempFolder('folder-store');
  return {
    store: new FolderStore({ root: join(temp.path, 'store'), prune: true }),
    other: new FolderStore({ root: join(temp.path, 'other') }),
    close: async () => await temp.remove(),
  };
});

describe('FolderStore', () => {
  let temp: TempFolder;
  beforeAll(async () => {
    temp = await tempFolder('folder-store');
  });
  afterAll(async () => {
    await temp.remove();
  });
  const at = (...names: string[]): string => join(temp.path, ...names);

  test.each([
    ['../outside', 'would lead out'],
    ['a/../../outside', 'would lead out'],
    ['a/./b', 'would lead out'],
    ['/etc/passwd', 'begins with /'],
    ['a//b', 'empty folder or file name'],
    ['a/', 'empty folder or file name'],
    ['', 'is empty'],
    ['a\0b', 'NUL'],
    ['lone\ud800surrogate', 'not valid Unicode'],
    ['k'.repeat(1025), '1025 bytes'],
    [`folder/${'ü'.repeat(128)}`, '256 bytes'],
  ])('refuses the key %j, and says why', async (key, why) => {
    const store = new FolderStore({ root: at('refuse') });
    await expect(store.put(key, 'x')).rejects.toThrow(why);
    await expect(store.head(key)).rejects.toThrow(why);
    await expect(store.delete(key)).rejects.toThrow(why);
  });

  test('says that a file and a folder cannot have one name', async () => {
    const store = new FolderStore({ root: at('conflict') });
    await store.put('a', 'file');
    await expect(store.put('a/b', 'x')).rejects.toThrow('both a file and a folder');
    await store.put('c/d', 'file');
    await expect(store.put('c', 'x')).rejects.toThrow('both a file and a folder');
  });

  test('its uri is a file URL that leads back to the file', async () => {
    const store = new FolderStore({ root: at('uri') });
    await store.put('a b/100%+ü.txt', 'x');
    expect(await stat(new URL(store.uri('a b/100%+ü.txt')))).toMatchObject({ size: 1 });
  });

  test('a file that the task wrote where its staging key is needs no copy', async () => {
    const store = new FolderStore({ root: at('work'), own: at('work') });
    await mkdir(at('work', 'job', '1', 'output'), { recursive: true });
    const path = at('work', 'job', '1', 'output', 'x.map');
    await writeFile(path, 'map');
    const before = await stat(path);
    const info = await store.upload(path, 'job/1/output/x.map');
    expect(info).toEqual(await store.head('job/1/output/x.map'));
    expect(await stat(path)).toMatchObject({ ino: before.ino, nlink: 1 });
  });

  test('files of its own are linked, files of others are copied, so that a rewrite in place spoils nothing', async () => {
    const uploads = new FolderStore({ root: at('uploads'), foreign: true });
    const output = new FolderStore({ root: at('output'), own: at('own') });
    await mkdir(at('own'), { recursive: true });
    await writeFile(at('own', 'staged'), 'staged');
    await output.upload(at('own', 'staged'), 'linked');
    expect((await stat(at('output', 'linked'))).ino).toBe((await stat(at('own', 'staged'))).ino);

    await writeFile(at('users-file'), 'version 1');
    await output.upload(at('users-file'), 'uploaded');
    await uploads.upload(at('users-file'), 'dropped');
    await output.copyFrom(uploads, 'dropped', 'set-aside');
    for (const path of [at('users-file'), at('uploads', 'dropped')]) {
      const handle = await open(path, 'r+');
      await handle.write('VERSION 2', 0);
      await handle.close();
    }
    expect(await text(await output.get('uploaded'))).toBe('version 1');
    expect(await text(await output.get('set-aside'))).toBe('version 1');
  });

  test('links to files are objects, links to nothing and to folders are not', async () => {
    const store = new FolderStore({ root: at('links') });
    await mkdir(at('links', 'folder'), { recursive: true });
    await writeFile(at('elsewhere'), 'from elsewhere');
    await writeFile(at('links', 'folder', 'inside'), 'x');
    await symlink(at('elsewhere'), at('links', 'good'));
    await symlink(at('nowhere'), at('links', 'dangling'));
    await symlink(at('links'), at('links', 'loop'));
    const keys = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['folder/inside', 'good']);
    await store.download('good', at('downloaded'));
    expect((await lstat(at('downloaded'))).isFile()).toBe(true);
  });

  test('what a killed process left half-written is not listed, and goes after a day', async () => {
    const store = new FolderStore({ root: at('stale') });
    await store.put('real', 'x');
    await writeFile(at('stale', '.longshore-tmp.young'), 'half');
    await utimes(at('stale', '.longshore-tmp.young'), 0, 0);
    const keys = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['real']);
    // Its time of change cannot be set by us, so it is young still, whatever its own time says.
    expect(await readdir(at('stale'))).toContain('.longshore-tmp.young');
  });

  test('folders that a delete leaves empty go, but only where that is wished', async () => {
    const pruned = new FolderStore({ root: at('pruned'), prune: true });
    await pruned.put('a/b/c', 'x');
    await pruned.put('a/d', 'x');
    await pruned.delete('a/b/c');
    expect(await readdir(at('pruned', 'a'))).toEqual(['d']);
    await pruned.delete('a/d');
    expect(await readdir(at('pruned'))).toEqual([]);
    const kept = new FolderStore({ root: at('kept') });
    await kept.put('task/file', 'x');
    await kept.delete('task/file');
    expect(await readdir(at('kept'))).toEqual(['task']);
  });

  test('puts and deletes beside each other in one folder do not disturb each other', async () => {
    const store = new FolderStore({ root: at('busy'), prune: true });
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        for (let turn = 0; turn < 10; turn++) {
          await store.put(`folder/${index}`, 'x');
          await store.delete(`folder/${index}`);
        }
      }),
    );
    expect(await readdir(at('busy'))).toEqual([]);
  });

  test('a file that is moved into place by somebody else is an object at once', async () => {
    const store = new FolderStore({ root: at('moved') });
    await store.put('first', 'x');
    await writeFile(at('mine'), 'mine');
    await rename(at('mine'), at('moved', 'second'));
    expect(await store.head('second')).toMatchObject({ bytes: 4 });
  });

  test('2 GiB go in as a stream, out as a stream and as a file in under 200 MB of memory', async () => {
    const size = 2 * 1024 ** 3;
    await writeFile(at('sparse'), '');
    await truncate(at('sparse'), size);
    const script = join(import.meta.dirname, 'support', 'carry.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, at('big'), at('sparse')]);
    const { bytes, read, maxRssBytes } = JSON.parse(stdout) as Record<string, number>;
    expect({ bytes, read }).toEqual({ bytes: size, read: size });
    expect(maxRssBytes).toBeLessThan(200e6);
  }, 300_000);
});
