/** `longshore up` killed with SIGKILL again and again, alone and two at a time: every file is published, once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findEngine } from '../../lib/local/engine.ts';

const { engine } = await findEngine();
const SCRIPT = join(import.meta.dirname, 'support', 'serve.ts');
const FILES = 8;

/** How many jobs share a container, and where they run. */
type Setting = [jobs: string, where: 'host' | 'engine'];

const toTheEnd = async (
  home: string,
  setting: Setting,
): Promise<{ jobs: Record<string, number>; errors: unknown[] }> => {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, home, String(FILES), ...setting]);
  return JSON.parse(stdout) as { jobs: Record<string, number>; errors: unknown[] };
};

const startAndKill = async (home: string, afterMs: number, setting: Setting): Promise<void> => {
  const child = spawn(process.execPath, [SCRIPT, home, String(FILES), ...setting], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await sleep(afterMs);
  child.kill('SIGKILL');
  await ended;
};

const expectAllPublishedOnce = async (home: string): Promise<void> => {
  for (let file = 0; file < FILES; file++) {
    const folder = join(home, 'output', 'text', String(file));
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toBe(`file ${file}`);
    const receipt = JSON.parse(await readFile(join(folder, 'receipt.json'), 'utf8')) as {
      state: string;
      attempts: unknown[];
    };
    expect(receipt).toMatchObject({ state: 'published' });
    expect(receipt.attempts).toHaveLength(1);
  }
  const starts = (await readFile(join(home, 'cache', 'text', 'starts'), 'utf8')).trim().split('\n');
  expect(starts.toSorted()).toEqual([...new Set(starts)].toSorted());
  expect(starts).toHaveLength(FILES);
};

describe('a local process that serves a home', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'longshore-kill-'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  const homeWithFiles = async (name: string): Promise<string> => {
    const home = join(root, name);
    await mkdir(join(home, 'uploads', 'text'), { recursive: true });
    for (let file = 0; file < FILES; file++)
      await writeFile(join(home, 'uploads', 'text', `${file}.txt`), `file ${file}`);
    return home;
  };

  const settings: [string, Setting][] = [
    ['each job by itself', ['1', 'host']],
    ['three jobs in a process', ['3', 'host']],
    ...(engine ? [['four jobs in a container', ['4', 'engine']] as [string, Setting]] : []),
  ];

  test.each(settings)(
    'killed at ten moments, then left alone, it publishes every file, each started once: %s',
    async (name, setting) => {
      const home = await homeWithFiles(`killed ${name}`);
      for (let turn = 0; turn < 10; turn++) await startAndKill(home, 400 + turn * 130, setting);
      const { jobs, errors } = await toTheEnd(home, setting);
      expect(jobs).toMatchObject({ waiting: 0, running: 0, published: FILES, failed: 0, quarantined: 0 });
      expect(errors).toEqual([]);
      await expectAllPublishedOnce(home);
    },
    180_000,
  );

  test.each(settings.slice(0, 2))(
    'two at once start no job twice: %s',
    async (name, setting) => {
      const home = await homeWithFiles(`two ${name}`);
      const [one, two] = await Promise.all([toTheEnd(home, setting), toTheEnd(home, setting)]);
      expect([...one.errors, ...two.errors]).toEqual([]);
      expect(two.jobs['published']).toBe(FILES);
      await expectAllPublishedOnce(home);
    },
    180_000,
  );
});
