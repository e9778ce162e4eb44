/** The Python package and the pipeline write the same ECHO 10 and ECS metadata of one granule, to the byte. */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { execa } from 'execa';
import { PROJECT } from '../../cli/project.ts';
import { findEngine } from '../../lib/local/engine.ts';
import { echo10Granule } from '../../lib/tasks/metadata/echo10.ts';
import { ecsMet } from '../../lib/tasks/metadata/ecs-met.ts';
import type { GranuleRecord } from '../../lib/tasks/metadata/granule-record.ts';

const BODY = 'a granule';

const record: GranuleRecord = {
  granuleUr: 'sst & ice "1".nc',
  collection: { shortName: 'SST', versionId: '2' },
  bytes: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex'),
  producedAt: '2026-11-24T09:00:00.000Z',
  begin: '2026-01-01T00:00:00.000Z',
  end: '2026-01-01T23:59:59.500Z',
  box: { west: 170, south: -20.125, east: -170.5, north: 40 },
  vertical: { lowest: -0.25, highest: 30, unit: 'km' },
  platform: { shortName: 'Terra', instrument: 'MODIS' },
  campaign: 'Ice <Watch>',
  software: { name: 'convert', version: '1.0.0-beta.12' },
  inputs: ['A2026001.hdf', 'B.hdf'],
  parameters: [
    { name: 'sst', percentMissing: 1.5 },
    { name: 'ice', percentMissing: 0 },
  ],
  dataFormat: 'netCDF-4',
  url: 'https://example.com/data/sst%20%26%20ice%20%221%22.nc',
};

const PYTHON = `
from datetime import datetime
from pathlib import Path
from longshore.metadata import Granule, Parameter, echo10, ecs_met
file = Path("/data/sst & ice \\"1\\".nc")
granule = Granule(
    file=file, short_name="SST", version="2",
    begin=datetime(2026, 1, 1), end=datetime(2026, 1, 1, 23, 59, 59, 500000), produced=datetime(2026, 11, 24, 9),
    box=(170, -20.125, -170.5, 40.0), vertical=(-0.25, 30.0, "km"), platform=("Terra", "MODIS"), campaign="Ice <Watch>",
    software=("convert", "1.0.0-beta.12"), inputs=["A2026001.hdf", "B.hdf"],
    parameters=[Parameter("sst", 1.5), Parameter("ice")], data_format="netCDF-4",
    distribution_url="https://example.com/data/",
)
Path("/data/echo10").write_text(echo10(granule))
Path("/data/met").write_text(ecs_met(granule))
`;

test('of a granule with everything that can be known', async () => {
  const { engine } = await findEngine();
  if (!engine) throw new Error('No container engine. Run: npm run setup');
  const folder = await mkdtemp(join(tmpdir(), 'longshore-metadata-'));
  try {
    await chmod(folder, 0o777);
    await writeFile(join(folder, record.granuleUr), BODY);
    const args = ['run', '--rm', '--network=none', `--volume=${folder}:/data`];
    const sources = [`--volume=${join(PROJECT, 'containers/base')}:/src:ro`, '--env=PYTHONPATH=/src'];
    await execa(engine.kind, [...args, ...sources, 'longshore/base:latest', 'python3', '-B', '-c', PYTHON], {
      stdin: 'ignore',
    });
    expect(await readFile(join(folder, 'echo10'), 'utf8')).toBe(echo10Granule(record));
    expect(await readFile(join(folder, 'met'), 'utf8')).toBe(ecsMet(record));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
