/** Finding dropped files: real folders, real time. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderStore } from '../../lib/local/folder-store.ts';
import { UploadMemory } from '../../lib/local/upload-memory.ts';
import { isUnfinished, watchUploads } from '../../lib/local/watch.ts';
import type { UploadMessage } from '../../lib/pipeline/messages.ts';
import { quietLog, type QuietLog } from '../contract/support/quiet-log.ts';

const QUIET_MS = 300;

/** Waits for it; the test's own timeout is the limit. */
const until = async (is: () => boolean): Promise<void> => {
  while (!is()) await sleep(20);
};

describe('watchUploads', () => {
  let root: string;
  let uploads: FolderStore;
  let log: QuietLog;
  let announced: UploadMessage[];
  let refuse: (message: UploadMessage) => void;
  let stop: (() => Promise<void>) | undefined;

  const path = (key: string): string => join(root, 'uploads', key);
  const drop = async (key: string, content: string | Buffer = key): Promise<void> => {
    await mkdir(dirname(path(key)), { recursive: true });
    await writeFile(path(key), content);
  };
  const start = async (quietMs = QUIET_MS): Promise<void> => {
    const controller = new AbortController();
    const watching = watchUploads({
      uploads,
      memory: await UploadMemory.open(join(root, 'memory.jsonl')),
      announce: async (message) => {
        refuse(message);
        announced.push(message);
      },
      log,
      signal: controller.signal,
      quietMs,
    });
    stop = async () => {
      controller.abort();
      await watching;
      stop = undefined;
    };
  };
  const keys = (): string[] => announced.map(({ key }) => key).toSorted();
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'longshore-watch-'));
    await mkdir(path('task'), { recursive: true });
    uploads = new FolderStore({ root: path(''), foreign: true });
    log = quietLog();
    announced = [];
    refuse = () => {};
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stop?.();
    await rm(root, { recursive: true, force: true });
  });

  test('takes files that were there before and files that come, with all that is known of them', async () => {
    await drop('task/before.txt', 'hello');
    await start();
    await until(() => announced.length === 1);
    await drop('task/deep/folder/after ü+%.txt', 'hello');
    await until(() => announced.length === 2);
    const sha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    for (const message of announced) {
      const head = await uploads.head(message.key);
      expect(message).toEqual({
        kind: 'upload',
        key: message.key,
        bytes: 5,
        etag: head?.etag,
        sha256,
        sequence: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
    }
    expect(keys()).toEqual(['task/before.txt', 'task/deep/folder/after ü+%.txt']);
  });

  test('leaves a file alone while it is being written, then takes it whole', async () => {
    // Ten times the pause between two writes: a machine that stands still for less does not make the file look finished.
    await start(2000);
    for (let part = 0; part < 12; part++) {
      await appendFile(path('task/growing.txt'), 'part ');
      await sleep(200);
      expect(announced).toEqual([]);
    }
    await until(() => announced.length > 0);
    expect(announced).toMatchObject([{ key: 'task/growing.txt', bytes: 60 }]);
  });

  test('takes a file also when the clock is set back by an hour meanwhile', async () => {
    await start(1000);
    await drop('task/a.txt');
    await sleep(500);
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    await until(() => announced.length > 0);
    expect(keys()).toEqual(['task/a.txt']);
  });

  test('takes a changed file again, with a later sequence, also when its own time is older', async () => {
    await drop('task/a.txt', 'new and longer');
    await start();
    await until(() => announced.length === 1);
    await drop('elsewhere', 'old');
    await utimes(path('elsewhere'), 1_000_000_000, 1_000_000_000);
    await rename(path('elsewhere'), path('task/a.txt'));
    await until(() => announced.some(({ bytes }) => bytes === 3));
    const versions = announced.filter(({ key }) => key === 'task/a.txt');
    expect(versions.map(({ bytes }) => bytes)).toEqual([14, 3]);
    expect((versions[0]?.sequence ?? '') < (versions[1]?.sequence ?? '')).toBe(true);
  });

  test('does not take again what it took before, also after a restart', async () => {
    await drop('task/a.txt');
    await start();
    await until(() => announced.length === 1);
    await stop?.();
    await start();
    await drop('task/b.txt');
    await until(() => announced.length === 2);
    expect(keys()).toEqual(['task/a.txt', 'task/b.txt']);
  });

  test('a file that could not be taken is told, and does not stop others', async () => {
    refuse = ({ key }) => {
      if (key === 'task/bad.txt') throw new Error('the ledger is full');
    };
    await drop('task/bad.txt');
    await drop('task/good.txt');
    await start();
    await until(() => announced.length === 1 && log.lines.length > 0);
    expect(keys()).toEqual(['task/good.txt']);
    expect(log.lines).toMatchObject([{ level: 'error', event: 'Upload:Read:Failed', key: 'task/bad.txt' }]);
    expect(log.lines[0]?.['reason']).toContain('the ledger is full');
  });

  test('what was refused is told again after a restart, and taken', async () => {
    refuse = () => {
      throw new Error('not now');
    };
    await drop('task/a.txt');
    await start();
    await until(() => log.lines.length > 0);
    await stop?.();
    refuse = () => {};
    await start();
    await until(() => announced.length === 1);
    expect(keys()).toEqual(['task/a.txt']);
  });

  test('passes over hidden and unfinished files, folders and pipes; follows links to files', async () => {
    for (const key of ['task/.hidden', 'task/a.part', 'task/b.TMP', 'task/c.crdownload', 'task/d.filepart'])
      await drop(key);
    await drop('.runs/run-1/file.txt');
    await drop('task/.folder/file.txt');
    spawnSync('mkfifo', [path('task/pipe')]);
    await writeFile(join(root, 'target'), 'x');
    await symlink(join(root, 'target'), path('task/link.txt'));
    await symlink('/nowhere/at/all', path('task/dangling.txt'));
    await drop('task/real.txt');
    await start();
    await until(() => announced.length === 2 && log.lines.length === 2);
    expect(keys()).toEqual(['task/link.txt', 'task/real.txt']);
    const told = log.lines.map((line) => `${String(line['key'])}: ${String(line['reason'])}`).toSorted();
    expect(told[0]).toMatch(/^task\/dangling.txt: it leads to no file/);
    expect(told[1]).toMatch(/^task\/pipe: it is not a file/);
  });

  test('a name that is not UTF-8 is told', async () => {
    const name = Buffer.concat([Buffer.from(path('task/')), Buffer.from([0x66, 0xff, 0x66])]);
    await writeFile(name, 'x');
    await start();
    await until(() => log.lines.length > 0);
    expect(log.lines[0]?.['reason']).toContain('not UTF-8');
  });

  test('a file that goes away is forgotten, and taken when it comes again', async () => {
    await drop('task/a.txt', 'one');
    await start();
    await until(() => announced.length === 1);
    await unlink(path('task/a.txt'));
    await drop('task/a.txt', 'two');
    await until(() => announced.length === 2);
    expect(keys()).toEqual(['task/a.txt', 'task/a.txt']);
  });
});

test.each([
  ['task/a.osm.pbf', false],
  ['task/a.part.osm.pbf', false],
  ['task/parts/tmp/a', false],
  ['.runs/r/a', true],
  ['task/.a', true],
  ['task/.b/a', true],
  ['task/a.PART', true],
  ['task/a.tmp', true],
])('%s is unfinished: %s', (key, expected) => {
  expect(isUnfinished(key)).toBe(expected);
});
