/** Golden data: every task passes its own, and files as the netCDF library writes them are read and told apart. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { compareNetcdf } from '../../lib/golden/compare/netcdf.ts';
import { findEngine } from '../../lib/local/engine.ts';
import type { CaseResult } from '../../cli/golden-case.ts';
import { longshore } from '../tools/command.ts';

/** Containers are started one after another. */
const TIMEOUT_MS = 10 * 60_000;

test(
  'every task makes of its golden input what its golden output says',
  async () => {
    const { code, stdout, stderr } = await longshore('test', '--json');
    const results = JSON.parse(stdout || '[]') as CaseResult[];
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(results.map(({ task }) => task)).toContain('osm-mapsforge');
  },
  TIMEOUT_MS,
);

/** A small file as archives have them: an unlimited dimension, packed values, a group, text, compression. */
const WRITE = `
import sys
import netCDF4, numpy

def write(name, form, changed):
    with netCDF4.Dataset(f"/data/{name}.nc", "w", format=form) as file:
        file.history = "made on some day" if not changed else "made on another day"
        file.createDimension("time", None)
        file.createDimension("cell", 5)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = [0, 1, 2]
        sst = file.createVariable("sst", "i2", ("time", "cell"), fill_value=-999, **({"zlib": True} if form == "NETCDF4" else {}))
        sst.scale_factor = 0.01
        values = numpy.arange(15).reshape(3, 5) / 100
        if changed:
            values[2, 1] += 0.03
        sst[:] = values
        scalar = file.createVariable("crs", "i4", ())
        scalar.grid_mapping_name = "latitude_longitude"
        if form == "NETCDF4":
            quality = file.createGroup("quality").createVariable("flag", str, ("cell",))
            quality[:] = numpy.array(["good"] * 4 + ["bad" if changed else "good"], dtype=object)

for form in ("NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET"):
    write(form, form, False)
    write(f"{form}-changed", form, True)
`;

describe('netCDF as its own library writes it', () => {
  let folder: string;
  beforeAll(async () => {
    const { engine } = await findEngine();
    if (!engine) throw new Error('No container engine. Run: npm run setup');
    folder = await mkdtemp(join(tmpdir(), 'longshore-netcdf-'));
    await chmod(folder, 0o777);
    await writeFile(join(folder, 'write.py'), WRITE);
    const args = ['run', '--rm', '--network=none', `--volume=${folder}:/data`];
    await execa(engine.kind, [...args, 'longshore/base:latest', 'python3', '/data/write.py'], {
      stdin: 'ignore',
    });
  }, TIMEOUT_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const file = (name: string): string => join(folder, `${name}.nc`);
  const told = async (form: string, rule = {}): Promise<string[]> => {
    const { differences } = await compareNetcdf(file(form), file(`${form}-changed`), rule);
    return differences.map(
      ({ where, expected, got, detail }) => `${where}: ${expected} → ${got} (${detail ?? ''})`,
    );
  };

  test.each(['NETCDF4', 'NETCDF3_CLASSIC', 'NETCDF3_64BIT_OFFSET'])(
    '%s: a file is like itself',
    async (form) => {
      expect(await compareNetcdf(file(form), file(form), {})).toEqual({ differences: [], count: 0 });
    },
  );

  test.each([
    ['NETCDF4', ['/quality/flag[4]: "good" → "bad" (1 of 5 values differ)']],
    ['NETCDF3_CLASSIC', []],
    ['NETCDF3_64BIT_OFFSET', []],
  ])('%s: one changed value is told, with its variable and index', async (form, more) => {
    const differences = await told(form, { ignore: ['@history'] });
    expect(differences.sort()).toEqual([...more, '/sst[2,1]: 11 → 14 (3 more, 27 %; 1 of 15 values differ)']);
  });

  test('a changed attribute is told, and a tolerance covers the value', async () => {
    expect(await told('NETCDF3_CLASSIC', { absolute: 3 })).toEqual([
      '@history: "made on some day" → "made on another day" ()',
    ]);
  });

  test('another format with the same content is told', async () => {
    const { differences } = await compareNetcdf(file('NETCDF4'), file('NETCDF3_CLASSIC'), {});
    expect(differences).toEqual([{ where: 'format', expected: 'HDF5', got: 'netCDF classic format' }]);
  });
});
