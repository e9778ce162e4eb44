/** Stage-in and stage-out over folders: what a task can leave behind, good and bad. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderStore } from '../../lib/local/folder-store.ts';
import type { AttemptRecord } from '../../lib/pipeline/attempt-record.ts';
import { attemptLayout, type AttemptLayout } from '../../lib/stage/layout.ts';
import { stageIn } from '../../lib/stage/stage-in.ts';
import { stageOut } from '../../lib/stage/stage-out.ts';

describe('staging', () => {
  let root: string;
  let paths: AttemptLayout;
  let uploads: FolderStore;
  let staging: FolderStore;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'longshore-stage-'));
    paths = attemptLayout(join(root, 'work', 'job', '1'));
    uploads = new FolderStore({ root: join(root, 'uploads'), foreign: true });
    staging = new FolderStore({ root: join(root, 'work'), own: join(root, 'work') });
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  const prepare = async (): Promise<void> => {
    await stageIn({ inputs: [], uploads, dir: paths.dir });
  };
  const finish = async (exitCode = 0, into = staging): Promise<AttemptRecord> => {
    await writeFile(paths.exit, JSON.stringify({ exitCode, startedAt: 1, endedAt: 2 }));
    return await stageOut({ dir: paths.dir, staging: into, job: 'job', attempt: 1 });
  };
  const output = (name: string): string => join(paths.output, name);

  test('inputs are brought under their own names, several of them too', async () => {
    const inputs = [];
    for (const name of ['a.txt', 'b ü%.txt']) {
      const { key, bytes, etag } = await uploads.put(`task/folder/${name}`, name);
      inputs.push({ key, name, bytes, etag });
    }
    const staged = await stageIn({ inputs, uploads, dir: paths.dir });
    expect(staged.map(({ name, bytes }) => ({ name, bytes }))).toEqual([
      { name: 'a.txt', bytes: 5 },
      { name: 'b ü%.txt', bytes: 9 },
    ]);
    expect(await readFile(join(paths.input, 'b ü%.txt'), 'utf8')).toBe('b ü%.txt');
    expect((await finish()).inputs).toEqual(
      staged.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    );
  });

  /** Root may read and remove everything; whoever runs longshore on a machine of their own is seldom root. */
  const asNobody = async (action: () => Promise<void>): Promise<void> => {
    if (process.getuid?.() !== 0) return await action();
    await chmod(root, 0o777);
    process.seteuid?.(65_534);
    try {
      await action();
    } finally {
      process.seteuid?.(0);
    }
  };

  test('outputs that main has closed are opened, kept, and can be removed', async () => {
    await asNobody(async () => {
      await prepare();
      await mkdir(output('folder'));
      await writeFile(output('folder/a'), 'a', { mode: 0 });
      await writeFile(output('b'), 'b', { mode: 0o400 });
      await chmod(output('folder'), 0o111);
      await chmod(paths.output, 0o555);
      const { files, stageOut: trouble } = await finish();
      expect(trouble).toBeUndefined();
      expect(files.map(({ name }) => name)).toEqual(['b', 'folder/a']);
      for (const { key } of files) await staging.delete(key);
      expect(await readdir(paths.output)).toEqual(['folder']);
    });
  });

  test('folders that main has closed do not keep a failed attempt from its end', async () => {
    await asNobody(async () => {
      await prepare();
      for (const folder of [paths.output, paths.tmp]) {
        await mkdir(join(folder, 'a/b'), { recursive: true });
        await writeFile(join(folder, 'a/b/c'), '');
        await chmod(join(folder, 'a/b'), 0o555);
        await chmod(join(folder, 'a'), 0);
      }
      expect((await finish(1)).exit).toMatchObject({ exitCode: 1 });
      await expect(stat(paths.output)).rejects.toThrow('ENOENT');
      await expect(stat(paths.tmp)).rejects.toThrow('ENOENT');
    });
  });

  test('outputs that are where their staging keys are stay there, and elsewhere they are uploaded', async () => {
    await prepare();
    await writeFile(output('x.map'), 'map');
    const { ino } = await stat(output('x.map'));
    expect((await finish()).files).toMatchObject([{ name: 'x.map', key: 'job/1/output/x.map', bytes: 3 }]);
    expect((await stat(output('x.map'))).ino).toBe(ino);

    const elsewhere = new FolderStore({ root: join(root, 'elsewhere') });
    await finish(0, elsewhere);
    const keys = [];
    for await (const { key } of elsewhere.list('')) keys.push(key);
    expect(keys).toEqual(['job/1/attempt.json', 'job/1/output/x.map']);
  });

  test('a second time it tells what it told the first time', async () => {
    await prepare();
    await writeFile(output('x'), 'x');
    const first = await finish();
    await writeFile(output('y'), 'too late');
    expect(await finish()).toEqual(first);
  });

  test('an attempt that failed keeps no outputs, and gives its disk space back', async () => {
    await prepare();
    await writeFile(output('half'), 'x');
    await writeFile(join(paths.tmp, 'scratch'), 'x');
    expect((await finish(1)).files).toEqual([]);
    for (const folder of [paths.output, paths.tmp]) await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  test.each([
    ['a link out', async () => await symlink('/etc/passwd', output('l')), 'leads out of the output folder'],
    [
      'a relative link out',
      async () => await symlink('../control/run.sh', output('l')),
      'leads out of the output folder',
    ],
    ['a link to a folder', async () => await symlink('.', output('l')), 'leads out of the output folder'],
    ['a dangling link', async () => await symlink('nothing', output('l')), 'something that is not there'],
    ['a pipe', async () => spawnSync('mkfifo', [output('l')]), 'is not a file'],
    [
      'a name that is not UTF-8',
      async () => await writeFile(Buffer.concat([Buffer.from(`${paths.output}/`), Buffer.from([0xff])]), ''),
      'not UTF-8',
    ],
    [
      'an output folder that is a link',
      async () => {
        await rm(paths.output, { recursive: true });
        await symlink('/etc', paths.output);
      },
      'replaced by something else',
    ],
  ])('refuses %s', async (_, make, reason) => {
    await prepare();
    await make();
    const { stageOut: told, files } = await finish();
    expect(told?.reason).toContain(reason);
    expect(files).toEqual([]);
  });

  test('a link to another output is that output', async () => {
    await prepare();
    await writeFile(output('real'), 'content');
    await symlink('real', output('alias'));
    await link(output('real'), output('hard'));
    expect((await finish()).files.map(({ name, bytes }) => `${name} ${bytes}`)).toEqual([
      'alias 7',
      'hard 7',
      'real 7',
    ]);
  });

  test.each([
    ['not JSON', async () => await writeFile(paths.report, '{'), 'is not JSON'],
    ['the wrong shape', async () => await writeFile(paths.report, '{"boxes":[{"name":1}]}'), 'boxes.0'],
    ['too large', async () => await writeFile(paths.report, ' '.repeat(8 * 1024 * 1024 + 1)), 'is the limit'],
    ['a link', async () => await symlink('/etc/hostname', paths.report), 'could not be read'],
    ['a pipe', async () => spawnSync('mkfifo', [paths.report]), 'is not a file'],
    ['a folder', async () => await mkdir(paths.report), 'is not a file'],
  ])('a report that is %s is told, and the outputs are kept', async (_, make, reason) => {
    await prepare();
    await mkdir(output('.longshore'));
    await make();
    await writeFile(output('x'), 'x');
    const record = await finish();
    expect(record.reportError).toContain(reason);
    expect(record.files.map(({ name }) => name)).toEqual(['x']);
  });

  test('an exit record that the task has spoilt is as if there were none', async () => {
    await prepare();
    await writeFile(paths.exit, '{"exitCode":"zero"}');
    const record = await stageOut({ dir: paths.dir, staging, job: 'job', attempt: 1 });
    expect(record.exit).toBeUndefined();
    expect(record.files).toEqual([]);
  });

  test('the runner script is replaced by rename: a shell may be reading the old one', async () => {
    await prepare();
    const { ino } = await stat(paths.runScript);
    await prepare();
    expect((await stat(paths.runScript)).ino).not.toBe(ino);
  });

  test('an upload that is replaced while the job runs leaves the job its own', async () => {
    const { key, bytes, etag } = await uploads.put('task/a.txt', 'old');
    await stageIn({ inputs: [{ key, name: 'a.txt', bytes, etag }], uploads, dir: paths.dir });
    await writeFile(join(root, 'new'), 'new');
    await rename(join(root, 'new'), join(root, 'uploads', 'task', 'a.txt'));
    expect(await readFile(join(paths.input, 'a.txt'), 'utf8')).toBe('old');
    expect((await finish()).stageIn).toBeUndefined();
  });

  test('an input is what its manifest says of it', async () => {
    const { key, bytes, etag } = await uploads.put('task/a.txt', 'hello');
    const declared = { md5: '5d41402abc4b2a76b9719d911017c592', by: 'list.md5' };
    const inputs = [{ key, name: 'a.txt', bytes, etag, declared }];
    expect(await stageIn({ inputs, uploads, dir: paths.dir })).toMatchObject([{ name: 'a.txt', bytes: 5 }]);
  });

  test.each([
    [
      { md5: '0'.repeat(32) },
      /a\.txt is not the file that list\.md5 lists: its MD5 is 5d41.*should be 0{32}/,
    ],
    [{ sha256: '0'.repeat(64) }, /its SHA-256 is 2cf24.*should be 0{64}/],
  ])('an input that is not what its manifest says of it is bad: %j', async (sums, reason) => {
    const { key, bytes, etag } = await uploads.put('task/a.txt', 'hello');
    const input = { key, name: 'a.txt', bytes, etag, declared: { ...sums, by: 'list.md5' } };
    const staged = stageIn({ inputs: [input], uploads, dir: paths.dir });
    await expect(staged).rejects.toThrow(reason);
    const { stageIn: told } = await stageOut({ dir: paths.dir, staging, job: 'job', attempt: 1 });
    expect(told).toMatchObject({ cause: 'bad-input', reason: expect.stringMatching(reason) });
  });

  test('an input that was dropped again with the same content is the one that was accepted', async () => {
    const { key, bytes, etag } = await uploads.put('task/a.txt', 'hello');
    const sha256 = createHash('sha256').update('hello').digest('hex');
    await uploads.put('task/a.txt', 'hello');
    expect((await uploads.head(key))?.etag).not.toBe(etag);
    const input = { key, name: 'a.txt', bytes, etag, sha256 };
    expect(await stageIn({ inputs: [input], uploads, dir: paths.dir })).toMatchObject([{ sha256 }]);
  });
});
