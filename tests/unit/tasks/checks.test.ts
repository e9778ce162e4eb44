import { describe, expect, test } from '@jest/globals';
import { notEmpty, notSmallerThan, signature } from '../../../lib/tasks/checks/generic.ts';
import { sqliteFile } from '../../../lib/tasks/checks/sqlite.ts';
import type { Params } from '../../../lib/pipeline/job.ts';
import type { Check, CheckResult, OutputContext } from '../../../lib/tasks/define-task.ts';
import { outputOf } from '../../../lib/tasks/outputs.ts';
import { makeOutput, makeReceipt } from './factories.ts';

async function run(
  check: Check<unknown>,
  content: Buffer | string,
  changes: Partial<OutputContext> = {},
): Promise<CheckResult> {
  const output = makeOutput({ 'a.bin': content }, changes);
  const result = await check.run(output.file('a.bin'), output);
  expect(result).toMatchObject({ check: check.name, file: 'a.bin' });
  return result;
}

const published = (bytes: number, name = 'a.bin') => ({
  published: makeReceipt({ files: [{ name, uri: 'file:///a', key: 'a', bytes, sha256: '' }] }),
});

function sqlite({ pageSize = 4096, pages = 2, counter = 7, validFor = 7, bytes = 8192 } = {}): Buffer {
  const file = Buffer.alloc(bytes);
  file.write('SQLite format 3\0', 'latin1');
  file.writeUInt16BE(pageSize, 16);
  file.writeUInt32BE(counter, 24);
  file.writeUInt32BE(pages, 28);
  file.writeUInt32BE(validFor, 92);
  return file;
}

describe('notEmpty', () => {
  test('one byte is enough', async () => {
    expect(await run(notEmpty(), 'x')).toMatchObject({ ok: true, detail: '1 bytes' });
    expect(await run(notEmpty(), '')).toMatchObject({ ok: false, detail: '0 bytes' });
  });
});

describe('signature', () => {
  const png = signature(Buffer.from('89504e47', 'hex'), 'PNG image');

  test('passes what begins so', async () => {
    expect(await run(png, Buffer.from('89504e470d0a', 'hex'))).toMatchObject({
      ok: true,
      detail: 'PNG image',
    });
  });

  test('shows what there is instead', async () => {
    expect(await run(png, 'GIF8')).toMatchObject({
      ok: false,
      detail: 'no PNG image: it begins with 47494638, not 89504e47',
    });
    expect((await run(png, Buffer.from('8950', 'hex'))).detail).toContain('it begins with 8950,');
    expect((await run(png, '')).detail).toContain('it begins with nothing');
  });
});

describe('notSmallerThan', () => {
  const check = notSmallerThan(0.7);

  test('the first of its name passes', async () => {
    expect(await run(check, 'x')).toMatchObject({
      ok: true,
      detail: 'nothing of this name is published yet',
    });
    expect((await run(check, 'x', published(1000, 'b.bin'))).ok).toBe(true);
  });

  test('exactly the share passes, a byte less fails with both sizes', async () => {
    expect(await run(check, Buffer.alloc(700), published(1000))).toMatchObject({ ok: true });
    expect(await run(check, Buffer.alloc(699), published(1000))).toMatchObject({
      ok: false,
      detail:
        '699 bytes, 69.9 % of the published 1000; 70 % is the least that replaces it (where it is right: remove what is published, and retry)',
    });
  });

  test('larger passes, and so does anything after an empty file', async () => {
    expect((await run(check, Buffer.alloc(5000), published(1000))).ok).toBe(true);
    expect((await run(check, 'x', published(0))).ok).toBe(true);
  });

  test('what was made with other parameters is no measure', async () => {
    const { published: before } = published(1000);
    const made = (params: Params): Partial<OutputContext> => ({ published: { ...before, params } });
    expect(await run(check, 'x', made({ bbox: '0,0,9,9' }))).toMatchObject({
      ok: true,
      detail: 'what is published was made with other parameters',
    });
    // How old a result may be is no parameter of its making.
    expect(await run(check, 'x', made({ freshness: 25 }))).toMatchObject({ ok: false });
  });

  test('its name tells the share', () => {
    expect(check.name).toBe('not under 70 % of the published size');
  });
});

describe('sqliteFile', () => {
  test('as many pages as the header counts', async () => {
    expect(await run(sqliteFile(), sqlite())).toMatchObject({
      ok: true,
      detail: '8192 bytes in whole pages',
    });
  });

  test('pages of 64 KB are written as 1', async () => {
    expect((await run(sqliteFile(), sqlite({ pageSize: 1, pages: 1, bytes: 65_536 }))).ok).toBe(true);
  });

  test('a stale count is passed over, not whole pages are not', async () => {
    expect((await run(sqliteFile(), sqlite({ pages: 9, validFor: 6, bytes: 8192 }))).ok).toBe(true);
    expect(await run(sqliteFile(), sqlite({ pages: 9, validFor: 6, bytes: 8193 }))).toMatchObject({
      ok: false,
      detail: 'it has 8193 bytes, which is not whole pages of 4096',
    });
  });

  test('a copy cut short fails', async () => {
    expect(await run(sqliteFile(), sqlite({ bytes: 4096 }))).toMatchObject({
      ok: false,
      detail: 'it has 4096 bytes, which is not 2 pages of 4096',
    });
  });

  test.each([
    [Buffer.alloc(99), 'it has 99 bytes, its header alone needs 100'],
    [Buffer.alloc(200, 'text'), 'it does not begin with "SQLite format 3"'],
    [sqlite({ pageSize: 1000 }), 'its page size is 1000'],
    [sqlite({ pageSize: 256 }), 'its page size is 256'],
  ])('what is no database fails (%#)', async (content, message) => {
    const { ok, detail } = await run(sqliteFile(), content);
    expect(ok).toBe(false);
    expect(detail).toContain(message);
  });
});

test('an output is the first whose pattern fits', () => {
  const outputs = [{ pattern: '*.map' }, { pattern: '**/*.map' }, { pattern: '*' }];
  expect(outputOf(outputs, 'Malta +% ü.map')).toBe(outputs[0]);
  expect(outputOf(outputs, 'sub/sub/monaco.map')).toBe(outputs[1]);
  expect(outputOf(outputs, 'monaco.map.tmp')).toBe(outputs[2]);
  expect(outputOf(outputs, 'sub/monaco.txt')).toBeUndefined();
});
