/** The pipeline's log in files of the home. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLog } from '../../lib/local/file-log.ts';
import type { Log, LogFields } from '../../lib/ports.ts';

let folder: string;
let told: [string, string, LogFields?][];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-log-'));
  told = [];
});
afterEach(() => rm(folder, { recursive: true }));

const listener = (base: LogFields = {}): Log => {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}): void =>
      void told.push([level, event, { ...base, ...fields }]);
  const levels = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { ...levels, with: (fields) => listener({ ...base, ...fields }) };
};

const linesOf = async (name: string): Promise<unknown[]> =>
  (await readFile(join(folder, name), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('the log of a home', () => {
  test('is written with its fields, and told to the other log as well', async () => {
    const log = fileLog(folder, listener(), () => new Date('2026-11-24T09:00:00.000Z'));
    log.with({ job: 'text-1' }).info('Job:Accept:Done', { name: 'text' });
    log.debug('Jobs:Look:Done');
    const time = '2026-11-24T09:00:00.000Z';
    expect(await linesOf('2026-11-24.jsonl')).toEqual([
      { time, level: 'info', event: 'Job:Accept:Done', job: 'text-1', name: 'text' },
    ]);
    expect(told).toEqual([
      ['info', 'Job:Accept:Done', { job: 'text-1', name: 'text' }],
      ['debug', 'Jobs:Look:Done', {}],
    ]);
  });

  test('begins a file each day, and keeps those of thirty days and whatever is not its own', async () => {
    let now = new Date('2026-11-24T23:59:59.999Z');
    for (const name of ['2026-10-24.jsonl', '2026-10-26.jsonl', 'notes.txt'])
      await writeFile(join(folder, name), '{}\n');
    const log = fileLog(folder, listener(), () => now);
    log.info('A:B:C');
    now = new Date('2026-11-25T00:00:00.000Z');
    log.info('A:B:D');
    expect((await readdir(folder)).sort()).toEqual([
      '2026-10-26.jsonl',
      '2026-11-24.jsonl',
      '2026-11-25.jsonl',
      'notes.txt',
    ]);
  });

  test('that cannot be written is told once, and stops nothing', async () => {
    await mkdir(join(folder, '2026-11-24.jsonl'));
    const log = fileLog(folder, listener(), () => new Date('2026-11-24T09:00:00.000Z'));
    log.info('A:B:C');
    log.info('A:B:D');
    expect(told.map(([level, event]) => [level, event])).toEqual([
      ['warn', 'Log:Write:Failed'],
      ['info', 'A:B:C'],
      ['info', 'A:B:D'],
    ]);
  });
});
