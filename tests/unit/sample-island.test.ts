import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { SAMPLE_AREAS } from '../../scripts/sample/areas.ts';
import { writeIslandGrid } from '../../scripts/sample/island-grid.ts';
import { makeIsland, writeIsland, type Island } from '../../scripts/sample/island.ts';
import { serveMirror, writeMirror, type Mirror } from '../../scripts/sample/mirror.ts';
import { writePbf } from '../../scripts/sample/osm-pbf.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sample-island-'));
});
afterAll(() => rm(dir, { recursive: true }));

const brack = SAMPLE_AREAS[0]!;
const skerry = SAMPLE_AREAS.find((area) => area.name === 'skerry')!;

describe('an island', () => {
  test.each(SAMPLE_AREAS)('$id has no reference to a missing element', (area) => {
    const { nodes, ways, relations } = makeIsland(area);
    const nodeIds = new Set(nodes.map((node) => node.id));
    const wayIds = new Set(ways.map((way) => way.id));
    expect(ways.flatMap((way) => way.refs).filter((ref) => !nodeIds.has(ref))).toEqual([]);
    expect(
      relations.flatMap((relation) => relation.members).filter((member) => !wayIds.has(member.ref)),
    ).toEqual([]);
  });

  test.each(SAMPLE_AREAS)('$id has coastlines that join into closed rings with land on the left', (area) => {
    const island = makeIsland(area);
    const rings = coastRings(island);
    expect(rings).toHaveLength(island.land.length);
    for (const ring of rings) {
      expect(ring.at(-1)).toEqual(ring[0]);
      expect(signedArea(ring)).toBeGreaterThan(0);
    }
  });

  test.each(SAMPLE_AREAS)('$id has all its land in its boxes and a ferry that leaves them', (area) => {
    const { boxes, land, nodes } = makeIsland(area);
    const isInside = (lon: number, lat: number): boolean =>
      boxes.some(([west, south, east, north]) => lon >= west && lon <= east && lat >= south && lat <= north);
    expect(land.flat().filter(([lon, lat]) => !isInside(lon, lat))).toEqual([]);
    expect(nodes.some(({ lon, lat }) => !isInside(lon, lat))).toBe(true);
  });

  test('comes out the same for the same seed, and another for another', () => {
    expect(makeIsland(brack)).toEqual(makeIsland(brack));
    expect(makeIsland({ ...brack, seed: 99 }).land).not.toEqual(makeIsland(brack).land);
  });

  test('across the 180th meridian has a box on each side and no way that jumps over it', () => {
    const { box, boxes, nodes, ways } = makeIsland(skerry);
    expect([box[0], box[2]]).toEqual([-180, 180]);
    expect(boxes.map(([west, , east]) => [west > 0, east])).toEqual([
      [true, 180],
      [false, expect.closeTo(-179.99, 1)],
    ]);
    const lonOf = new Map(nodes.map((node) => [node.id, node.lon]));
    for (const way of ways) {
      const lons = way.refs.map((ref) => lonOf.get(ref)!);
      expect(Math.max(...lons) - Math.min(...lons)).toBeLessThan(1);
    }
    expect(nodes.some((node) => node.lon < 0)).toBe(true);
  });

  test('is refused where it cannot be drawn', () => {
    expect(() => makeIsland({ ...brack, lat: 85 })).toThrow('lat must be -80…80, got 85');
    expect(() => makeIsland({ ...brack, lon: Number.NaN })).toThrow('lon must be');
    expect(() => makeIsland({ ...brack, sizeKm: 0 })).toThrow('size must be 1…200 km, got 0');
    expect(() => makeIsland({ ...brack, lon: 180 })).toThrow('would cut the main island');
  });
});

describe('the PBF file', () => {
  test('gives back every element as drawn, in order', async () => {
    const path = join(dir, 'brack.osm.pbf');
    const bytes = await writeIsland(path, brack);
    const file = await readFile(path);
    expect(file.length).toBe(bytes);

    const island = makeIsland(brack);
    const read = decodePbf(file);
    expect(read.features).toEqual(['OsmSchema-V0.6', 'DenseNodes', 'Sort.Type_then_ID']);
    expect(read.box).toEqual(island.box.map((degrees) => Math.round(degrees * 1e9)));
    expect(read.nodes).toEqual(
      island.nodes.map(({ id, lon, lat, tags }) => ({
        id,
        lon: Math.round(lon * 1e7),
        lat: Math.round(lat * 1e7),
        tags,
      })),
    );
    expect(read.ways).toEqual(island.ways);
    expect(read.relations).toEqual(island.relations);
  });

  test('of a grid is as large as asked, compressed or not, with rising ids', async () => {
    for (const compress of [true, false]) {
      const path = join(dir, 'grid.osm.pbf');
      const { bytes, islands } = await writeIslandGrid(path, {
        ...brack,
        lon: -40,
        megabytes: 0.3,
        compress,
      });
      expect(bytes).toBeGreaterThanOrEqual(300_000);
      expect(bytes).toBeLessThan(360_000);
      const read = decodePbf(await readFile(path));
      expect(read.nodes).toHaveLength(islands * makeIsland(brack).nodes.length);
      for (const elements of [read.nodes, read.ways, read.relations]) {
        expect(elements.every(({ id }, i) => i === 0 || id > elements[i - 1]!.id)).toBe(true);
      }
    }
  });

  test('is not written with elements out of order', async () => {
    const nodes = [2, 1].map((id) => ({ id, lon: 0, lat: 0 }));
    const content = { box: [0, 0, 1, 1] as const, timestamp: new Date(0), nodes, ways: [], relations: [] };
    await expect(writePbf(join(dir, 'bad.osm.pbf'), content)).rejects.toThrow('node 1 after 2');
  });
});

describe('the mirror', () => {
  let mirror: Mirror;
  let root = '';
  beforeAll(async () => {
    root = join(dir, 'mirror');
    await writeMirror(root);
    mirror = await serveMirror(root, { fail: (path) => (path.startsWith('/down/') ? 503 : undefined) });
  });
  afterAll(() => mirror.close());

  const extract = '/sample/brack-latest.osm.pbf';

  test('has extract, matching checksum and polygon of each area', async () => {
    for (const { id, name } of SAMPLE_AREAS) {
      const body = await fetch(`${mirror.url}/${id}-latest.osm.pbf`).then((answer) => answer.bytes());
      const md5 = await fetch(`${mirror.url}/${id}-latest.osm.pbf.md5`).then((answer) => answer.text());
      expect(md5).toBe(`${createHash('md5').update(body).digest('hex')}  ${name}-latest.osm.pbf\n`);
    }
    const poly = await fetch(`${mirror.url}/sample/skerry.poly`).then((answer) => answer.text());
    expect(poly.match(/^\d+$/gm)).toEqual(['1', '2']);
  });

  test('serves whole files, headers alone, and ranges', async () => {
    const whole = await fetch(mirror.url + extract);
    const body = Buffer.from(await whole.arrayBuffer());
    expect(whole.headers.get('etag')).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
    expect(Date.parse(whole.headers.get('last-modified')!)).not.toBeNaN();

    const head = await fetch(mirror.url + extract, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(body.length)]);

    const cases = [
      ['bytes=10-19', 206, body.subarray(10, 20)],
      ['bytes=100-', 206, body.subarray(100)],
      ['bytes=-7', 206, body.subarray(-7)],
      ['bytes=10-9999999', 206, body.subarray(10)],
      ['lines=1-2', 200, body],
    ] as const;
    for (const [range, status, expected] of cases) {
      const part = await fetch(mirror.url + extract, { headers: { range } });
      expect([range, part.status]).toEqual([range, status]);
      expect(Buffer.from(await part.arrayBuffer()).equals(expected)).toBe(true);
    }
    const past = await fetch(mirror.url + extract, { headers: { range: `bytes=${body.length}-` } });
    expect([past.status, past.headers.get('content-range')]).toEqual([416, `bytes */${body.length}`]);
  });

  test('answers 304 to who has the file, and the whole file when it changed since', async () => {
    const etag = (await fetch(mirror.url + extract, { method: 'HEAD' })).headers.get('etag')!;
    expect((await fetch(mirror.url + extract, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const resumed = await fetch(mirror.url + extract, {
      headers: { range: 'bytes=5-', 'if-range': '"old"' },
    });
    expect(resumed.status).toBe(200);
  });

  test('serves nothing from outside its folder, and no folders', async () => {
    // Node's fetch resolves ".." itself: the raw path goes out through http.get.
    const statuses = await Promise.all(
      ['/../sample-island', '/%2e%2e/%2e%2e/etc/passwd', '/sample', '/%zz', '/none'].map(
        (path) =>
          new Promise<number | undefined>((resolve, reject) => {
            const { hostname, port } = new URL(mirror.url);
            get({ hostname, port, path }, (answer) => resolve(answer.resume().statusCode)).on(
              'error',
              reject,
            );
          }),
      ),
    );
    expect(statuses).toEqual([404, 404, 404, 404, 404]);
  });

  test('can be down, refuses writing, and remembers what was asked', async () => {
    expect((await fetch(`${mirror.url}/down/x`)).status).toBe(503);
    expect((await fetch(mirror.url + extract, { method: 'PUT', body: '' })).status).toBe(405);
    expect(mirror.requests.at(-1)).toEqual({ method: 'PUT', path: extract, status: 405 });
  });

  test('survives a client that hangs up', async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest(mirror.url + extract, () => request.destroy());
      request.on('close', resolve).end();
    });
    expect((await fetch(mirror.url + extract)).status).toBe(200);
  });
});

// --- A reader of its own, so that the writer is not judged by itself --------------------------------------------------

interface Field {
  field: number;
  value: number;
  bytes: Buffer;
}

function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    const [value, next] = readVarint(bytes, at);
    at = next;
    return value;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key % 8 === 0) {
      fields.push({ field: key >> 3, value: varint(), bytes: Buffer.alloc(0) });
    } else {
      const length = varint();
      fields.push({ field: key >> 3, value: 0, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

function readVarint(bytes: Buffer, from: number): [number, number] {
  let value = 0;
  let at = from;
  for (let unit = 1; ; unit *= 0x80) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return [value, at];
  }
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function packed(fields: Field[], field: number): number[] {
  const bytes = fields.find((candidate) => candidate.field === field)?.bytes ?? Buffer.alloc(0);
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const [value, next] = readVarint(bytes, at);
    values.push(value);
    at = next;
  }
  return values;
}

function undelta(values: number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += unzigzag(value)));
}

type Tags = Record<string, string>;

function decodePbf(file: Buffer) {
  const out = {
    features: [] as string[],
    box: [] as number[],
    nodes: [] as { id: number; lon: number; lat: number; tags: Tags }[],
    ways: [] as { id: number; refs: number[]; tags: Tags }[],
    relations: [] as { id: number; members: { type: string; ref: number; role: string }[]; tags: Tags }[],
  };
  for (let at = 0; at < file.length;) {
    const headerLength = file.readUInt32BE(at);
    const header = fieldsOf(file.subarray(at + 4, at + 4 + headerLength));
    const size = header.find(({ field }) => field === 3)!.value;
    const start = at + 4 + headerLength;
    const blob = fieldsOf(file.subarray(start, start + size));
    at = start + size;
    const data =
      blob.find(({ field }) => field === 1)?.bytes ??
      inflateSync(blob.find(({ field }) => field === 3)!.bytes);
    const block = fieldsOf(data);
    if (header[0]!.bytes.toString() === 'OSMHeader') {
      out.features = block
        .filter(({ field }) => field === 4 || field === 5)
        .map(({ bytes }) => bytes.toString());
      const [west, east, north, south] = fieldsOf(block[0]!.bytes).map(({ value }) => unzigzag(value));
      out.box = [west!, south!, east!, north!];
      continue;
    }
    const strings = fieldsOf(block[0]!.bytes).map(({ bytes }) => bytes.toString());
    const tagsOf = (keys: number[], values: number[]): Tags =>
      Object.fromEntries(keys.map((key, i) => [strings[key]!, strings[values[i]!]!]));
    for (const { field, bytes } of fieldsOf(block[1]!.bytes)) {
      const fields = fieldsOf(bytes);
      const id = fields[0]!.value;
      if (field === 2) {
        const lats = undelta(packed(fields, 8));
        const lons = undelta(packed(fields, 9));
        const keysAndValues = packed(fields, 10);
        let next = 0;
        for (const [i, nodeId] of undelta(packed(fields, 1)).entries()) {
          const tags: Tags = {};
          for (; keysAndValues[next] !== 0; next += 2)
            tags[strings[keysAndValues[next]!]!] = strings[keysAndValues[next + 1]!]!;
          next++;
          out.nodes.push({ id: nodeId, lon: lons[i]!, lat: lats[i]!, tags });
        }
      } else if (field === 3) {
        out.ways.push({
          id,
          refs: undelta(packed(fields, 8)),
          tags: tagsOf(packed(fields, 2), packed(fields, 3)),
        });
      } else {
        const roles = packed(fields, 8);
        const types = packed(fields, 10);
        const members = undelta(packed(fields, 9)).map((ref, i) => ({
          type: ['node', 'way', 'relation'][types[i]!]!,
          ref,
          role: strings[roles[i]!]!,
        }));
        out.relations.push({ id, members, tags: tagsOf(packed(fields, 2), packed(fields, 3)) });
      }
    }
  }
  return out;
}

/** Coastline ways joined end to start until each ring closes. */
function coastRings({ nodes, ways }: Island): [number, number][][] {
  const positions = new Map(nodes.map(({ id, lon, lat }) => [id, [lon, lat] as [number, number]]));
  const open = ways.filter((way) => way.tags?.['natural'] === 'coastline').map((way) => [...way.refs]);
  const rings: number[][] = [];
  while (open.length > 0) {
    const ring = open.shift()!;
    while (ring[0] !== ring.at(-1)) {
      const next = open.findIndex((refs) => refs[0] === ring.at(-1));
      if (next < 0) throw new Error('The coast is not closed');
      ring.push(...open.splice(next, 1)[0]!.slice(1));
    }
    rings.push(ring);
  }
  return rings.map((ring) => ring.map((id) => positions.get(id)!));
}

function signedArea(ring: [number, number][]): number {
  return ring.slice(1).reduce((sum, [x, y], i) => sum + ring[i]![0] * y - x * ring[i]![1], 0) / 2;
}
