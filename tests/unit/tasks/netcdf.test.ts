import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { netcdfFile } from '../../../lib/tasks/checks/netcdf.ts';
import { granuleReport } from '../../../lib/tasks/metadata/granules.ts';
import type { CheckResult } from '../../../lib/tasks/define-task.ts';
import { makeOutput } from './factories.ts';

async function check(content: Buffer | string): Promise<CheckResult> {
  const output = makeOutput({ 'a.nc': content });
  return await netcdfFile().run(output.file('a.nc'), output);
}

/** The first bytes of an HDF5 file with addresses of 8 bytes that says it has `end` bytes. */
function superblock(version: number, end: number, bytes = end): Buffer {
  const file = Buffer.alloc(bytes);
  file.write('\x89HDF\r\n\x1a\n', 'latin1');
  file[8] = version;
  file[version < 2 ? 13 : 9] = 8;
  file.writeBigUInt64LE(BigInt(end), [40, 44, 28, 28][version] ?? 28);
  return file;
}

describe('a netCDF file', () => {
  let real: Buffer;
  beforeAll(async () => {
    const path = '../../../tasks/hdf5-netcdf/data/atb/output/HS3_CPL_ATB_12203a_20120906.nc';
    real = await readFile(new URL(path, import.meta.url));
  });

  test('as the library writes it is whole', async () => {
    expect(await check(real)).toMatchObject({ ok: true, detail: expect.stringMatching(/^netCDF-4/) });
  });

  test('that was cut short says so, wherever it was cut', async () => {
    for (const bytes of [real.length - 1, Math.floor(real.length / 2), 100]) {
      expect(await check(real.subarray(0, bytes))).toMatchObject({
        ok: false,
        detail: `it is cut short: it has ${bytes} bytes, and its superblock says ${real.length}`,
      });
    }
    expect(await check(real.subarray(0, 40))).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/less/),
    });
  });

  test.each([0, 1, 2, 3])('of superblock version %i is known', async (version) => {
    expect(await check(superblock(version, 200))).toMatchObject({ ok: true });
    expect(await check(superblock(version, 200, 199))).toMatchObject({ ok: false });
  });

  test.each([
    ['CDF\x01', 'netCDF classic, 4 bytes'],
    ['CDF\x02', 'netCDF 64-bit offset, 4 bytes'],
    ['CDF\x05', 'netCDF 64-bit data, 4 bytes'],
  ])('of the classic form %j is known', async (content, detail) => {
    expect(await check(content)).toMatchObject({ ok: true, detail });
  });

  test.each([
    ['', /it is empty/],
    ['CDF\x03', /begins with 43444603/],
    ['<html>', /begins with/],
    [superblock(9, 200), /of version 9/],
  ])('is not %j', async (content, reason) => {
    expect(await check(content)).toMatchObject({ ok: false, detail: expect.stringMatching(reason) });
  });
});

const granuleFacts = {
  file: 'a.nc',
  input: 'a.hdf5',
  dimensions: { time: 4, altitude: 10 },
  time: ['2012-09-06T23:59:58.000Z', '2012-09-07T00:00:01.000Z'],
  boxes: [[-75, 20, -70, 30]],
  variables: { ATB_532: { dimensions: ['time', 'altitude'], missing: 4 } },
};

const told = async (changes: object): Promise<CheckResult> => {
  const report = { facts: { granules: [{ ...granuleFacts, ...changes }] } };
  const output = makeOutput({ 'a.nc': 'x' }, { report });
  return await granuleReport().run(output.file('a.nc'), output);
};

describe('what a handler tells of a granule', () => {
  test('is summed up where it is right', async () => {
    expect(await told({})).toEqual({
      check: 'granule report',
      file: 'a.nc',
      ok: true,
      detail: '4 time × 10 altitude, 2012-09-06T23:59:58.000Z to 2012-09-07T00:00:01.000Z, 1 variables',
    });
  });

  test.each([
    [{ file: 'b.nc' }, /does not tell of it/],
    [{ time: ['2012-09-06', 'now'] }, /granules\.0\.time/],
    [{ dimensions: { time: 0, altitude: 10 } }, /dimension time has no values/],
    [{ time: ['2013-01-01T00:00:00Z', '2012-01-01T00:00:00Z'] }, /ends .* before it begins/],
    [{ time: ['1850-01-01T00:00:00Z', '2012-01-01T00:00:00Z'] }, /cannot be/],
    [{ time: ['2012-01-01T00:00:00Z', '2999-01-01T00:00:00Z'] }, /cannot be/],
    [{ boxes: [[-75, 20, -76, 30]] }, /box -75,20,-76,30 is none/],
    [{ boxes: [] }, /granules\.0\.boxes/],
    [{ variables: { x: { dimensions: ['time', 'altitude'], missing: 40 } } }, /all its values are missing/],
    [{ variables: { x: { dimensions: ['time', 'layer'], missing: 5 } } }, /x lacks 5 of 4 values/],
  ])('is refused: %j', async (changes, reason) => {
    expect(await told(changes)).toMatchObject({ ok: false, detail: expect.stringMatching(reason) });
  });
});
