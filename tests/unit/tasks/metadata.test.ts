import { describe, expect, test } from '@jest/globals';
import { boxAround, boxesGeometry, type Box } from '../../../lib/tasks/metadata/boxes.ts';
import { extentsText, parseExtents } from '../../../lib/tasks/metadata/extents.ts';
import task from '../../../tasks/osm-mapsforge/task.ts';
import type { OutputContext } from '../../../lib/tasks/define-task.ts';
import { makeJob, makeOutput, NOW } from './factories.ts';

const FIJI: [Box, Box] = [
  [174.5, -21, 180, -12],
  [-180, -21, -178, -12.5],
];

describe('boxAround', () => {
  test.each<[string, Box[], Box]>([
    ['one box is itself', [[7, 43, 8, 44]], [7, 43, 8, 44]],
    [
      'boxes side by side',
      [
        [7, 43, 8, 44],
        [9, 40, 10, 43.5],
      ],
      [7, 40, 10, 44],
    ],
    [
      'one within the other',
      [
        [0, 0, 10, 10],
        [2, 2, 3, 3],
        [20, 0, 21, 1],
      ],
      [0, 0, 21, 10],
    ],
    ['over the 180th meridian', FIJI, [174.5, -21, -178, -12]],
    ['in the other order', FIJI.toReversed(), [174.5, -21, -178, -12]],
    [
      'near the 180th meridian, from both sides',
      [
        [160, 0, 161, 1],
        [-161, 0, -160, 1],
      ],
      [160, 0, -160, 1],
    ],
    ['all round', [[-180, -90, 180, 90]], [-180, -90, 180, 90]],
  ])('%s', (_, boxes, around) => {
    expect(boxAround(boxes)).toEqual(around);
  });
});

describe('boxesGeometry', () => {
  test('one box is a closed, counter-clockwise polygon', () => {
    expect(boxesGeometry([[7, 43, 8, 44]])).toEqual({
      type: 'Polygon',
      coordinates: [
        [
          [7, 43],
          [8, 43],
          [8, 44],
          [7, 44],
          [7, 43],
        ],
      ],
    });
  });

  test('boxes over the 180th meridian are a multipolygon that does not cross it', () => {
    const { type, coordinates } = boxesGeometry(FIJI);
    expect(type).toBe('MultiPolygon');
    expect(coordinates).toHaveLength(2);
    expect(coordinates.flat(2).every((position) => Math.abs(Number([position].flat()[0])) <= 180)).toBe(true);
  });
});

describe('the STAC Item of osm-mapsforge', () => {
  const job = makeJob({
    task: 'osm-mapsforge',
    source: {
      uri: 'https://download.geofabrik.de/europe/malta-latest.osm.pbf',
      lastModified: '2026-01-01T20:21:22.000Z',
    },
  });

  async function write(changes: Partial<OutputContext> = {}) {
    const output = makeOutput(
      { 'malta.map': 'map', 'malta.extents.txt': 'text', 'ü 1.bin': '' },
      { job, ...changes },
    );
    const files = await Promise.all(
      task.metadata.map((writer) => writer({ ...output, params: task.params.parse({}) })),
    );
    const [file] = files.flat();
    return { file: file!, item: JSON.parse(file!.body) };
  }

  test('is a file beside the map', async () => {
    const { file } = await write();
    expect(file).toMatchObject({ name: 'malta.stac.json', contentType: 'application/geo+json' });
    expect(file.body).toMatch(/^\{\n {2}"type": "Feature",\n[\s\S]*\}\n$/);
  });

  test('has what the specification requires', async () => {
    const { item } = await write({ report: { boxes: [{ name: 'malta', bbox: [13.8, 35.5, 14.9, 36.3] }] } });
    expect(item).toMatchObject({
      type: 'Feature',
      stac_version: '1.1.0',
      id: 'osm-mapsforge-europe-malta',
      bbox: [13.8, 35.5, 14.9, 36.3],
      geometry: { type: 'Polygon' },
      properties: {
        datetime: '2026-01-01T20:21:22.000Z',
        created: new Date(NOW).toISOString(),
        license: 'ODbL-1.0',
        attribution: '© OpenStreetMap contributors',
        providers: [{ name: 'OpenStreetMap contributors', roles: ['licensor', 'producer'] }],
      },
      links: [
        { rel: 'license', href: 'https://opendatacommons.org/licenses/odbl/1-0/' },
        { rel: 'via', href: 'https://download.geofabrik.de/europe/malta-latest.osm.pbf' },
      ],
    });
  });

  test('says how each file can be checked', async () => {
    const { item } = await write();
    expect(item.assets['malta.map']).toEqual({
      href: './malta.map',
      type: 'application/octet-stream',
      title: expect.stringContaining('mapsforge map'),
      roles: ['data'],
      'file:size': 3,
      'file:checksum': `1220${'ab'.repeat(32)}`,
    });
    expect(item.assets['malta.extents.txt'].type).toBe('text/plain; charset=utf-8');
  });

  test('a file that no output describes is there all the same, its link escaped', async () => {
    const { item } = await write();
    expect(item.assets['ü 1.bin']).toMatchObject({ href: './%C3%BC%201.bin', 'file:size': 0 });
    expect(item.assets['ü 1.bin']).not.toHaveProperty('type');
  });

  test('names the image that made it', async () => {
    const record = { job: job.id, attempt: 1, inputs: [], files: [], imageDigest: 'sha256:12' };
    const { item } = await write({ record });
    expect(item.properties['processing:software']).toEqual({ 'longshore/osm-mapsforge': 'sha256:12' });
  });

  test('tells the day of the data rather than that of the download', async () => {
    const { item } = await write({ report: { facts: { dataTime: '2018-08-27T20:14:02Z' } } });
    expect(item.properties.datetime).toBe('2018-08-27T20:14:02.000Z');
  });

  test('falls back to the time of making', async () => {
    const { item } = await write({ job: makeJob({ task: 'osm-mapsforge' }) });
    expect(item.properties.datetime).toBe(new Date(NOW).toISOString());
  });

  test('without boxes it has no geometry and, as then required, no bbox', async () => {
    const { item } = await write();
    expect(item.geometry).toBeNull();
    expect(item).not.toHaveProperty('bbox');
  });

  test('over the 180th meridian the bbox runs from west to east', async () => {
    const boxes = FIJI.map((bbox, index) => ({
      name: `fiji-${index + 1}`,
      bbox: [...bbox] as [number, number, number, number],
    }));
    const { item } = await write({ report: { boxes } });
    expect(item.bbox).toEqual([174.5, -21, -178, -12]);
    expect(item.geometry.type).toBe('MultiPolygon');
  });

  test('each source is linked once, and a dropped file’s name is no link', async () => {
    const { item } = await write({
      report: { sources: [{ uri: 'malta.osm.pbf' }, { uri: job.source!.uri }, { uri: 's3://a/b' }] },
    });
    expect(
      item.links
        .filter(({ rel }: { rel: string }) => rel === 'via')
        .map(({ href }: { href: string }) => href),
    ).toEqual([job.source!.uri, 's3://a/b']);
  });
});

describe('the extents text', () => {
  const MALTA = `map: malta.map
west: 13.815377
south: 35.519850
east: 14.856099
north: 36.332958
center: 35.926404,14.335738
source: malta.osm.pbf
`;
  const boxes = [
    { name: 'malta', bbox: [13.8153774, 35.51985, 14.856099, 36.332958] as [number, number, number, number] },
  ];

  const check = async (content: string, report: OutputContext['report'] = { boxes }) => {
    const output = makeOutput({ 'malta.extents.txt': content }, { report });
    const { ok, detail } = await extentsText().run(output.file('malta.extents.txt'), output);
    return ok ? 'ok' : detail;
  };

  test('is read block by block', () => {
    expect(parseExtents(`${MALTA}\nmap: b.map\nwest: -1\n`)).toEqual([
      { map: 'malta.map', bbox: [13.815377, 35.51985, 14.856099, 36.332958] },
      { map: 'b.map', bbox: [-1, NaN, NaN, NaN] },
    ]);
  });

  test('agrees with the asked boxes', async () => {
    expect(await check(MALTA)).toBe('ok');
  });

  test.each([
    ['nothing', '', 'malta.map is missing'],
    [
      'another map',
      MALTA.replace('malta.map', 'gozo.map'),
      'it tells of "gozo.map", which the report does not; malta.map is missing',
    ],
    [
      'another side',
      MALTA.replace('14.856099', '14.9'),
      'malta.map has 13.815377,35.51985,14.9,36.332958, but',
    ],
    [
      'a side that is missing',
      MALTA.replace(/east.*\n/, ''),
      'malta.map has 13.815377,35.51985,NaN,36.332958, but',
    ],
    ['too much', 'x'.repeat(1024 ** 2 + 1), '1048577 bytes are no extents text'],
  ])('with %s fails', async (_, content, message) => {
    expect(await check(content)).toContain(message);
  });

  test('without asked boxes fails', async () => {
    expect(await check(MALTA, {})).toBe('the report names no boxes to compare it with');
  });
});
