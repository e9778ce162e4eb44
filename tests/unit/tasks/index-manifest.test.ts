/** Manifests that choose their areas from an index in Geofabrik's format, generated as odd as the real one. */
import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadIndexError, parseIndex } from '../../../lib/areas/geofabrik-index.ts';
import { resolveManifest } from '../../../lib/local/manifests.ts';
import { BadManifestError } from '../../../lib/pipeline/manifest-faults.ts';
import { resolveManifestText, type ResolvedManifest } from '../../../lib/pipeline/resolve-manifest.ts';
import { tasks } from '../../../tasks/index.ts';

const SERVER = 'https://download.geofabrik.de';
const square = (west: number, south: number, side = 1): object => ({
  type: 'MultiPolygon',
  coordinates: [
    [
      [
        [west, south],
        [west + side, south],
        [west + side, south + side],
        [west, south + side],
        [west, south],
      ],
    ],
  ],
});

const feature = (id: string, area?: string, more: object = {}): object => ({
  type: 'Feature',
  properties: {
    id,
    name: id,
    ...(area ? { urls: { pbf: `${SERVER}/${area}-latest.osm.pbf` } } : {}),
    ...more,
  },
  geometry: square(7, 43),
});
const index = (...features: unknown[]): string => JSON.stringify({ type: 'FeatureCollection', features });

/** In small what the real one has: children by parent and by path only, a collection without children, a parent without extract. */
const WORLD = index(
  feature('europe', 'europe'),
  feature('monaco', 'europe/monaco', { parent: 'europe' }),
  feature('germany', 'europe/germany', { parent: 'europe' }),
  feature('berlin', 'europe/germany/berlin', { parent: 'germany' }),
  feature('bayern', 'europe/germany/bayern', { parent: 'germany' }),
  feature('oberbayern', 'europe/germany/bayern/oberbayern', { parent: 'bayern' }),
  feature('dach', 'europe/dach', { parent: 'europe' }),
  feature('north-america', 'north-america'),
  feature('us', 'north-america/us', { parent: 'north-america' }),
  feature('us/texas', 'north-america/us/texas', { parent: 'north-america' }),
  feature('us-south', 'north-america/us-south', { parent: 'north-america' }),
  feature('antarctica', 'antarctica'),
  feature('seas'),
);

const resolve = async (
  manifest: object,
  text = WORLD,
  uri = `${SERVER}/index-v1.json`,
): Promise<ResolvedManifest> =>
  await resolveManifestText(JSON.stringify({ task: 'osm-mapsforge', index: 'i', ...manifest }), 'm.json', {
    tasks,
    readIndex: async () => ({ uri, text }),
  });
const areasOf = async (...given: Parameters<typeof resolve>): Promise<unknown[]> =>
  (await resolve(...given)).jobs.map(({ params }) => params['area']);

/** Of `manifests/world.json`. */
async function worldOf(text: string): Promise<unknown[]> {
  const readIndex = async (): Promise<{ uri: string; text: string }> => ({ uri: `${SERVER}/i.json`, text });
  const { jobs } = await resolveManifest('world', { tasks, readIndex });
  return jobs.map(({ params }) => params['area']);
}
const ofBritain = (folder: string): string[] => [
  `europe/${folder}/scotland`,
  `europe/${folder}/england/kent`,
  `europe/${folder}/england/greater-london`,
];

async function faultsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof BadIndexError || error instanceof BadManifestError) return error.faults;
    throw error;
  }
  return [];
}

describe('from an index', () => {
  test('come the areas that have no other within them, by parent or by path', async () => {
    expect(await areasOf({})).toEqual([
      'europe/monaco',
      'europe/germany/berlin',
      'europe/germany/bayern/oberbayern',
      'europe/dach',
      'north-america/us/texas',
      'north-america/us-south',
      'antarctica',
    ]);
  });

  test('include and exclude take ids, areas and globs, each with all within it', async () => {
    expect(await areasOf({ include: ['europe/*'], exclude: ['dach', 'europe/germany/bayern'] })).toEqual([
      'europe/monaco',
      'europe/germany/berlin',
    ]);
    expect(await areasOf({ include: ['us'] })).toEqual(['north-america/us/texas']);
    expect(await areasOf({ include: ['north-america/us*'], exclude: ['north-america/us-*'] })).toEqual([
      'north-america/us/texas',
    ]);
  });

  test('whole areas are made as one, also those of which areas within them are only a part', async () => {
    expect(await areasOf({ include: ['europe'], whole: ['bayern', 'europe/monaco'] })).toEqual([
      'europe/monaco',
      'europe/germany/berlin',
      'europe/germany/bayern',
      'europe/dach',
    ]);
    expect(await areasOf({ include: ['germany'], whole: ['germany', 'bayern'] })).toEqual(['europe/germany']);
    expect(
      await areasOf({ include: ['berlin'], whole: ['germany'], exclude: ['antarctica'] }).catch(String),
    ).toContain('nothing is left of it to make');
  });

  test('a collection is not made, areas within it are', async () => {
    expect(await areasOf({ include: ['europe'], collections: ['dach', 'europe/germany', 'bayern'] })).toEqual(
      ['europe/monaco', 'europe/germany/berlin', 'europe/germany/bayern/oberbayern'],
    );
  });

  test('the world has Great Britain once, and all of London, whether the index makes them parents or not', async () => {
    const britain = index(
      feature('europe', 'europe'),
      feature('great-britain', 'europe/great-britain', { parent: 'europe' }),
      feature('britain-and-ireland', 'europe/britain-and-ireland', { parent: 'europe' }),
      feature('scotland', 'europe/great-britain/scotland', { parent: 'great-britain' }),
      feature('england', 'europe/great-britain/england', { parent: 'great-britain' }),
      feature('kent', 'europe/great-britain/england/kent', { parent: 'england' }),
      feature('greater-london', 'europe/great-britain/england/greater-london', { parent: 'england' }),
      feature('enfield', 'europe/great-britain/england/greater-london/enfield', { parent: 'greater-london' }),
    );
    expect(await worldOf(britain)).toEqual(ofBritain('great-britain'));
    // In a newer one the country has another name, and the old one is a collection that nobody has as parent.
    const kingdom = britain
      .replaceAll('europe/great-britain/', 'europe/united-kingdom/')
      .replaceAll('"parent":"great-britain"', '"parent":"united-kingdom"');
    expect(await worldOf(kingdom)).toEqual(ofBritain('united-kingdom'));
  });

  test('jobs have what the manifest says, and shapes with their names', async () => {
    const { jobs, areas } = await resolve({ include: ['monaco'], params: { type: 'hd' }, priority: 7 });
    expect(jobs).toEqual([
      { task: 'osm-mapsforge', params: { type: 'hd', area: 'europe/monaco' }, priority: 7 },
    ]);
    expect(areas?.features).toMatchObject([
      {
        properties: { task: 'osm-mapsforge', name: 'europe/monaco', title: 'monaco' },
        geometry: { type: 'MultiPolygon' },
      },
    ]);
  });

  test('an area that the manifest lists by itself is made as it says there, also one with others within it', async () => {
    const { jobs } = await resolve({
      include: ['europe'],
      exclude: ['germany', 'dach'],
      areas: ['europe/germany', { area: 'europe/monaco', params: { type: 'hd' } }],
    });
    expect(jobs.map(({ params }) => params)).toEqual([
      { area: 'europe/germany' },
      { area: 'europe/monaco', type: 'hd' },
    ]);
  });

  test('extracts beside the index on a server of one’s own are fetched from there', async () => {
    const own = index({
      type: 'Feature',
      properties: { id: 'brack', parent: 'sample', urls: { pbf: '/maps/sample/brack-latest.osm.pbf' } },
      geometry: null,
    });
    const uri = 'http://127.0.0.1:8000/maps/index-v1.json';
    expect((await resolve({}, own, uri)).jobs).toMatchObject([
      { params: { area: 'sample/brack', mirror: 'http://127.0.0.1:8000/maps' } },
    ]);
    const chosen = { params: { mirror: 'https://mirror.example' } };
    expect((await resolve(chosen, own, uri)).jobs).toMatchObject([{ params: chosen.params }]);
  });

  test('an area that is listed twice is made once', async () => {
    const twice = index(
      feature('a', 'x/a'),
      feature('a', 'x/a'),
      feature('b', 'x/a', { parent: 'somewhere-else' }),
    );
    expect(await areasOf({}, twice)).toEqual(['x/a']);
  });

  test('a pattern of exclude, whole or collections that fits nothing is noted; one of include refuses the manifest', async () => {
    expect((await resolve({ exclude: ['europe/dahc'], whole: ['x'], collections: ['y'] })).notes).toEqual([
      'exclude: "europe/dahc" fits no area of the index: did you mean "europe/dach"?',
      'whole: "x" fits no area of the index',
      'collections: "y" fits no area of the index',
    ]);
    expect(await faultsOf(resolve({ include: ['europe/monacco', 'asia/*'] }))).toEqual([
      'include: "europe/monacco" fits no area of the index: did you mean "europe/monaco"?',
      'include: "asia/*" fits no area of the index',
    ]);
    expect(await faultsOf(resolve({ include: ['monaco'], exclude: ['europe/*'] }))).toEqual([
      'the index: nothing is left of it to make, by include and exclude',
    ]);
  });

  test('a shape that is a line or a point is kept: the area is made', async () => {
    const point = [7, 43];
    const line = [point, [8, 44], [9, 45], point];
    for (const ring of [[point, point, point, point], line]) {
      const flat = { ...feature('flat', 'x/flat'), geometry: { type: 'Polygon', coordinates: [ring] } };
      const { jobs, areas } = await resolve({}, index(flat, feature('good', 'x/good')));
      expect(jobs).toHaveLength(2);
      expect(areas?.features[0]?.geometry.coordinates).toEqual([ring]);
    }
  });

  test('names written for a web page are names', async () => {
    const name = 'Województwo opolskie<br />(Opole  Voivodeship)';
    const { areas } = await resolve({}, index(feature('opolskie', 'europe/poland/opolskie', { name })));
    expect(areas?.features[0]?.properties.title).toBe('Województwo opolskie (Opole Voivodeship)');
  });

  test('a byte order mark before the index is no fault', async () => {
    expect(await areasOf({}, `\uFEFF${WORLD}`)).toHaveLength(7);
  });

  test('a shape of many points is small, and keeps its place', async () => {
    const ring = Array.from({ length: 3600 }, (_, at) => {
      const angle = (at / 3600) * 2 * Math.PI;
      return [10 + 5 * Math.cos(angle), 50 + 5 * Math.sin(angle)];
    });
    ring.push(ring[0]!);
    const round = { ...feature('round', 'x/round'), geometry: { type: 'Polygon', coordinates: [ring] } };
    const [shape] = (await resolve({}, index(round))).areas!.features;
    const points = shape!.geometry.coordinates[0] as number[][];
    expect(points.length).toBeLessThan(100);
    for (const [x, y] of points) expect(Math.hypot(x! - 10, y! - 50)).toBeCloseTo(5, 1);
  });
});

describe('a bad index is refused whole, each fault named', () => {
  const UNREADABLE = 'the index: it is not JSON';
  test.each([
    ['{', UNREADABLE],
    ['[]', 'the index: it is no GeoJSON FeatureCollection'],
    ['{"type":"FeatureCollection"}', 'the index: it is no GeoJSON FeatureCollection: features'],
    [index(feature('x')), 'it has no feature with urls.pbf'],
  ])('%s', async (text, fault) => {
    expect((await faultsOf(resolve({}, text)))[0]).toContain(fault);
  });

  test('with the feature and the path of each', async () => {
    const bad = index(
      { type: 'Feature', properties: { name: 'no id' }, geometry: null },
      feature('a', 'a', { parent: 7 }),
      { ...feature('b', 'b'), geometry: { type: 'Point', coordinates: [0, 0] } },
      { ...feature('c', 'c'), geometry: { type: 'Polygon', coordinates: [[[0, 0]]] } },
      feature('d', undefined, { urls: { pbf: `${SERVER}/d.osm.bz2` } }),
      feature('e', 'e'),
      feature('e', 'other/e'),
      feature('f', 'f', { parent: 'g' }),
      feature('g', 'g', { parent: 'f' }),
      'nonsense',
    );
    const faults = await faultsOf(resolve({}, bad));
    expect(faults).toEqual([
      expect.stringMatching(/^feature 1: properties\.id: /),
      expect.stringMatching(/^feature 2 \(a\): properties\.parent: /),
      expect.stringMatching(/^feature 3 \(b\): geometry\.type: /),
      expect.stringMatching(/^feature 10: : /),
      'feature 7 (e): the id "e" is that of feature 6 (e), too, with another extract',
      'feature 8 (f): it is its own ancestor, by "parent"',
      'feature 9 (g): it is its own ancestor, by "parent"',
      expect.stringMatching(/^feature 4 \(c\): geometry\.coordinates: a Polygon must be rings/),
      expect.stringMatching(
        /^feature 5 \(d\): properties\.urls\.pbf: "https:.*d\.osm\.bz2" must be an address/,
      ),
    ]);
  });

  test('and a manifest without an index has nothing to choose from', async () => {
    const text = JSON.stringify({ task: 'osm-mapsforge', areas: ['a'], exclude: ['b'], whole: ['c'] });
    const read = resolveManifestText(text, 'm.json', {
      tasks,
      readIndex: async () => ({ uri: '', text: '' }),
    });
    expect(await faultsOf(read)).toEqual([
      'the manifest: exclude and whole choose from an "index", and it names none',
    ]);
  });
});

const readIndex = async (): Promise<{ uri: string; text: string }> => ({
  uri: `${SERVER}/index-v1.json`,
  text: WORLD,
});
const busy = async (): Promise<Response> => new Response(null, { status: 503 });

describe('by name or path', () => {
  test('a bare name is a manifest that comes with longshore: the world', async () => {
    const { name, jobs, notes } = await resolveManifest('world', { tasks, readIndex });
    expect(name).toBe('world');
    expect(jobs.map(({ params }) => params['area'])).toEqual([
      'europe/monaco',
      'europe/germany/berlin',
      'europe/germany/bayern/oberbayern',
      'north-america/us/texas',
      'antarctica',
    ]);
    // What this small index has not: the notes say so.
    expect(notes.join()).toContain('"alps" fits no area');
    expect(notes.join()).not.toContain('dach');
  });

  test('an index beside the manifest is found from any folder; what is not there is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-manifest-'));
    const path = join(folder, 'm.json');
    await writeFile(path, JSON.stringify({ task: 'osm-mapsforge', index: 'index.json' }));
    await expect(resolveManifest(path, { tasks })).rejects.toThrow(
      `The index ${join(folder, 'index.json')} cannot be read (ENOENT)`,
    );
    await writeFile(join(folder, 'index.json'), WORLD);
    expect((await resolveManifest(path, { tasks })).jobs).toHaveLength(7);
    await expect(resolveManifest('nowhere', { tasks })).rejects.toThrow('There is no manifest "nowhere"');
    await rm(folder, { recursive: true });
  });

  test('what is no UTF-8 is refused, rather than read as names that nobody gave', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-manifest-'));
    const path = join(folder, 'm.json');
    const text = JSON.stringify({ name: 'Île', task: 'osm-mapsforge', areas: ['europe/monaco'] });
    for (const encoding of ['latin1', 'utf16le'] as const) {
      await writeFile(path, text, encoding);
      await expect(resolveManifest(path, { tasks })).rejects.toThrow(
        `${path}, the manifest: it is no text in UTF-8`,
      );
    }
    await writeFile(path, `\uFEFF${text}`);
    expect((await resolveManifest(path, { tasks })).name).toBe('Île');
    await rm(folder, { recursive: true });
  });

  test('an index that cannot be fetched is named with the reason', async () => {
    await expect(resolveManifest('world', { tasks, fetch: busy })).rejects.toThrow(
      'https://download.geofabrik.de/index-v1.json cannot be read: HTTP 503',
    );
  });
});

test('areas of an index know their place and server', () => {
  expect(parseIndex(WORLD, `${SERVER}/index-v1.json`).find(({ id }) => id === 'us/texas')).toMatchObject({
    area: 'north-america/us/texas',
    mirror: SERVER,
    leaf: true,
    parent: 'north-america',
  });
});
