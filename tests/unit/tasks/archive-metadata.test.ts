import { describe, expect, test } from '@jest/globals';
import { echo10Granule } from '../../../lib/tasks/metadata/echo10.ts';
import { ecsMet } from '../../../lib/tasks/metadata/ecs-met.ts';
import type { GranuleRecord } from '../../../lib/tasks/metadata/granule-record.ts';
import { tracksGeometry } from '../../../lib/tasks/metadata/tracks.ts';
import { xmlDocument } from '../../../lib/tasks/metadata/xml.ts';
import type { MetadataFile } from '../../../lib/tasks/define-task.ts';
import task from '../../../tasks/hdf5-netcdf/task.ts';
import type { Params } from '../../../lib/pipeline/job.ts';
import { makeJob, makeOutput, NOW } from './factories.ts';

const record: GranuleRecord = {
  granuleUr: 'g.nc',
  collection: { shortName: 'hs3cpl', versionId: '1' },
  bytes: 1024 ** 2,
  sha256: 'ab'.repeat(32),
  producedAt: '2026-01-02T03:04:05.000Z',
  begin: '2012-09-06T23:59:58.000Z',
  end: '2012-09-07T00:00:01.000Z',
  box: { west: 179, south: 20, east: -179, north: 30 },
  vertical: { lowest: -0.97, highest: 26, unit: 'km' },
  platform: { shortName: 'GLOBAL HAWK UAV', instrument: 'CPL' },
  campaign: 'HS3',
  software: { name: 'a very long name', version: '1.2.3-and-more' },
  inputs: ['g.hdf5'],
  parameters: [{ name: 'ATB_532', percentMissing: 3.7 }],
  dataFormat: 'netCDF-4',
  url: 'https://archive.example/hs3cpl/g.nc',
};

/** Names of the elements below a path, in order. */
const children = (xml: string, parent: string): string[] => {
  const indent = new RegExp(`^( *)<${parent}>$`, 'm').exec(xml)?.[1] ?? '';
  const [, inner = ''] =
    new RegExp(`^${indent}<${parent}>\n([\\s\\S]*?)^${indent}</${parent}>`, 'm').exec(xml) ?? [];
  return [...inner.matchAll(new RegExp(`^${indent}  <([A-Za-z0-9]+)>`, 'gm'))].map(([, name]) => name!);
};

describe('ECHO 10', () => {
  test('has its elements in the order of the schema, which is a sequence', () => {
    const xml = echo10Granule(record);
    expect(children(xml, 'Granule')).toEqual([
      'GranuleUR',
      'InsertTime',
      'LastUpdate',
      'Collection',
      'DataGranule',
      'PGEVersionClass',
      'Temporal',
      'Spatial',
      'MeasuredParameters',
      'Platforms',
      'Campaigns',
      'InputGranules',
      'OnlineAccessURLs',
      'Orderable',
      'DataFormat',
      'Visible',
    ]);
    expect(children(xml, 'DataGranule')).toEqual([
      'DataGranuleSizeInBytes',
      'SizeMBDataGranule',
      'Checksum',
      'ProducerGranuleId',
      'DayNightFlag',
      'ProductionDateTime',
    ]);
    expect(children(xml, 'Spatial')).toEqual(['VerticalSpatialDomains', 'HorizontalSpatialDomain']);
    expect(children(xml, 'BoundingRectangle')).toEqual([
      'WestBoundingCoordinate',
      'NorthBoundingCoordinate',
      'EastBoundingCoordinate',
      'SouthBoundingCoordinate',
    ]);
  });

  test('says the sizes in bytes and in megabytes, and cuts what the schema has no room for', () => {
    const xml = echo10Granule({ ...record, granuleUr: 'x'.repeat(300) });
    expect(xml).toContain('<DataGranuleSizeInBytes>1048576</DataGranuleSizeInBytes>');
    expect(xml).toContain('<SizeMBDataGranule>1.000000</SizeMBDataGranule>');
    expect(xml).toContain('<PGEVersion>1.2.3-and-</PGEVersion>');
    expect(xml).toContain(`<GranuleUR>${'x'.repeat(250)}</GranuleUR>`);
    expect(xml).toContain(`<ProducerGranuleId>${'x'.repeat(128)}</ProducerGranuleId>`);
  });

  test('leaves out what is not known', () => {
    const { url: _, vertical: __, platform: ___, campaign: ____, ...known } = record;
    const xml = echo10Granule({ ...known, parameters: [] });
    expect(xml).not.toMatch(/OnlineAccess|Vertical|Platform|Campaign|Measured/);
  });
});

describe('XML', () => {
  test('escapes what it must, and replaces what it cannot hold', () => {
    expect(xmlDocument(['a', [['b', 'x < y & "z" > \u0001😀']]])).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<a>\n  <b>x &lt; y &amp; "z" &gt; \uFFFD😀</b>\n</a>\n',
    );
  });

  test('leaves out elements without content', () => {
    expect(
      xmlDocument([
        'a',
        [
          ['b', undefined],
          ['c', [['d', '']]],
          ['e', 0],
          ['f', false],
        ],
      ]),
    ).toBe('<?xml version="1.0" encoding="UTF-8"?>\n<a>\n  <e>0</e>\n  <f>false</f>\n</a>\n');
  });
});

describe('ECS inventory metadata', () => {
  test('opens and closes every group and object', () => {
    const lines = ecsMet({ ...record, inputs: ['the "first".hdf5'] }).split('\n');
    const open: string[] = [];
    const mismatches = lines.flatMap((line) => {
      const [, end, kind, name] = /^ *(END_)?(GROUP|OBJECT) = (\S+)$/.exec(line) ?? [];
      if (kind === undefined) return [];
      if (end !== undefined) return open.pop() === `${kind} ${name}` ? [] : [line];
      open.push(`${kind} ${name}`);
      return [];
    });
    expect(mismatches).toEqual([]);
    expect(open).toEqual([]);
    expect(lines.slice(0, 2)).toEqual(['GROUP = INVENTORYMETADATA', '  GROUPTYPE = MASTERGROUP']);
    expect(lines.slice(-2)).toEqual(['END', '']);
    const text = lines.join('\n');
    expect(text).toMatch(/RANGEENDINGTIME\n +NUM_VAL = 1\n +VALUE = "00:00:01\.000"/);
    expect(text).toMatch(/INPUTPOINTER\n +NUM_VAL = 1\n +VALUE = "the 'first'\.hdf5"/);
  });
});

describe('a track', () => {
  test('is a line', () => {
    expect(
      tracksGeometry([
        [
          [1, 2],
          [3, 4],
        ],
      ]),
    ).toEqual({
      type: 'LineString',
      coordinates: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  test('over the 180th meridian is cut there, both ways', () => {
    const east = tracksGeometry([
      [
        [179, 10],
        [-179, 20],
      ],
    ]);
    expect(east).toEqual({
      type: 'MultiLineString',
      coordinates: [
        [
          [179, 10],
          [180, 15],
        ],
        [
          [-180, 15],
          [-179, 20],
        ],
      ],
    });
    const west = tracksGeometry([
      [
        [-179, 20],
        [179, 10],
      ],
    ]);
    expect(west?.coordinates).toEqual([
      [
        [-179, 20],
        [-180, 15],
      ],
      [
        [180, 15],
        [179, 10],
      ],
    ]);
  });

  test('of a single position is a point, and without any is none', () => {
    expect(tracksGeometry([[], [[1, 2]]])).toEqual({ type: 'Point', coordinates: [1, 2] });
    expect(tracksGeometry([[]])).toBeUndefined();
  });
});

const granule = (file: string, begin: string): object => ({
  file,
  input: file.replace('.nc', '.hdf5'),
  dimensions: { time: 4, altitude: 10 },
  time: [begin, '2012-09-07T00:00:01.000Z'],
  boxes: [
    [179, 20, 180, 30],
    [-180, 20, -179, 30],
  ],
  track: [
    [179, 20],
    [-179, 30],
  ],
  altitude: [-0.97, 26, 'km'],
  variables: {
    ATB_532: { dimensions: ['time', 'altitude'], missing: 4 },
    'Layers/Layer_Type': { dimensions: ['time'], missing: 1 },
    Hour: { dimensions: ['time'], missing: 0 },
  },
});

async function metadata(params: object): Promise<Map<string, MetadataFile>> {
  const report = {
    boxes: [],
    facts: {
      granules: [granule('a.nc', '2012-09-06T23:59:58.000Z'), granule('b.nc', '2012-09-06T20:00:00.000Z')],
    },
  };
  const output = makeOutput(
    { 'a.nc': 'one', 'b.nc': 'two' },
    {
      report,
      params: task.params.parse(params) as Params,
      job: makeJob({ task: 'hdf5-netcdf', name: 'flight' }),
    },
  );
  const made = await Promise.all(task.metadata.map(async (write) => await write(output as never)));
  return new Map(made.flat().map((file) => [file.name, file]));
}

describe('hdf5-netcdf', () => {
  test('writes metadata for each file, and one STAC Item', async () => {
    const made = await metadata({});
    expect([...made.keys()]).toEqual([
      'a.nc.meta.xml',
      'a.nc.met',
      'b.nc.meta.xml',
      'b.nc.met',
      'flight.stac.json',
    ]);
    const xml = made.get('a.nc.meta.xml')!.body;
    expect(xml).toContain('<ShortName>hs3cpl</ShortName>');
    expect(xml).toContain('<WestBoundingCoordinate>179</WestBoundingCoordinate>');
    expect(xml).toContain('<EastBoundingCoordinate>-179</EastBoundingCoordinate>');
    expect(xml).toContain('<QAPercentMissingData>10</QAPercentMissingData>');
    expect(xml).toMatch(/Layers\/Layer_Type<[^%]*<QAPercentMissingData>25</);
    expect(xml).not.toContain('Hour');
    expect(xml).toContain(`<ProductionDateTime>${new Date(NOW).toISOString()}</ProductionDateTime>`);
    const item = JSON.parse(made.get('flight.stac.json')!.body) as { properties: Record<string, string> };
    expect(item.properties).toMatchObject({
      start_datetime: '2012-09-06T20:00:00.000Z',
      end_datetime: '2012-09-07T00:00:01.000Z',
    });
  });

  test('names the collection, and the address, that were asked for', async () => {
    const made = await metadata({
      collection: 'other',
      collectionVersion: '2.1',
      distributionUrl: 'https://archive.example/data/',
    });
    const xml = made.get('b.nc.meta.xml')!.body;
    expect(xml).toContain('<VersionId>2.1</VersionId>');
    expect(xml).toContain('<URL>https://archive.example/data/b.nc</URL>');
  });

  test.each([
    [1e5, { vcpu: 1, memoryMiB: 2048 }],
    [1e9, { vcpu: 1, memoryMiB: 5120 }],
    [5e12, { vcpu: 2, memoryMiB: 16_384 }],
  ])('a granule of %i bytes gets a container of its size', (bytes, size) => {
    expect(task.size({ bytes, params: task.params.parse({}) })).toMatchObject(size);
  });

  test.each([
    ['HS3_CPL_ATB_12203a_20120906.hdf5', undefined],
    ['2012/HS3_CPL_ATB_12203a_20120906.hdf5', undefined],
    ['flight.granule/list.cnm.json', { granule: 'flight', part: 'list.cnm.json' }],
    ['2012/flight.granule/a.hdf5', { granule: '2012/flight', part: 'a.hdf5' }],
  ])('%s is part of %j', (path, part) => {
    const groups = task.granule?.pattern.exec(path)?.groups;
    expect(groups && { ...groups }).toEqual(part);
  });
});
