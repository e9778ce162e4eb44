#!/usr/bin/env node
/**
 * Draws an island that does not exist, with all that a map job must cope with: coastline in several ways, an islet, a
 * lake with an island in it, roads that share junctions, names in three languages, and a ferry that leaves the box.
 *
 *     node scripts/sample/island.ts OUT.osm.pbf [--name NAME --lon DEG --lat DEG --seed N --size KM]
 *         [--land OUT.geojson] [--megabytes N [--raw]]
 *
 * A negative number is given as `--lat=-45`.
 */
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writePbf, type Box, type Member, type Node, type Relation, type Tags, type Way } from './osm-pbf.ts';

export interface IslandOptions {
  name: string;
  /** Middle of the main island, degrees, WGS84. The 180th meridian may cut the islet north-east of it. */
  lon: number;
  lat: number;
  /** Whole number; the same seed draws the same island. */
  seed: number;
  /** Width of the main island, about, in km. */
  sizeKm: number;
  /** First id of its nodes, ways and relations (each type counts for itself). Default 1. */
  firstId?: number;
}

export interface Island {
  name: string;
  /** What the PBF header says. An island across the 180th meridian has the whole round in it, as Geofabrik's have. */
  box: Box;
  /** The boxes of its maps: one, or one on each side of the 180th meridian (western side first). */
  boxes: Box[];
  /** Closed outlines of all land, [lon, lat], the inner island of the lake not among them. */
  land: Position[][];
  nodes: Node[];
  ways: Way[];
  relations: Relation[];
}

export type Position = [lon: number, lat: number];

/** East and north of the main island's middle, km. */
type Point = readonly [x: number, y: number];

/** When the sample's data is said to be from: fixed, so that a sample is the same file every time it is made. */
export const SAMPLE_TIMESTAMP = new Date('2026-01-01T00:00:00Z');

const KM_PER_DEGREE = 111.32;
const TURN = 2 * Math.PI;

/**
 * Draws an island.
 *
 * @throws RangeError when it would not fit on the map (nearer than 10° to a pole, size not in 1…200 km, main island cut
 *   by the 180th meridian)
 */
export function makeIsland(options: IslandOptions): Island {
  const { name, lon, lat, seed, sizeKm } = options;
  if (!(Math.abs(lon) <= 180)) throw new RangeError(`lon must be -180…180, got ${lon}`);
  if (!(Math.abs(lat) <= 80)) throw new RangeError(`lat must be -80…80, got ${lat}`);
  if (!(sizeKm >= 1 && sizeKm <= 200)) throw new RangeError(`size must be 1…200 km, got ${sizeKm}`);
  if (!Number.isInteger(seed)) throw new RangeError(`seed must be a whole number, got ${seed}`);
  const sketch = new Sketch(lon, lat, options.firstId ?? 1);
  if (Math.abs(sketch.meridian) < 0.6 * sizeKm) {
    throw new RangeError(
      `The 180th meridian would cut the main island at ${lon}°: only the islet can be cut`,
    );
  }
  const random = randomNumbers(seed);
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  const shore = makeShore(sizeKm / 2, random);
  const words = makeNames(random);

  const land: Point[][] = [drawCoast(sketch, shore)];
  const islet: Point = [1.35 * shore.radius, 0.9 * shore.radius];
  land.push(drawIslet(sketch, islet, 0.18 * shore.radius, title));
  drawLake(sketch, shore, words());
  drawLanduse(sketch, shore);
  drawRoadsAndVillage(sketch, shore, title, words);
  drawFerries(sketch, shore, islet, title);
  sketch.node([0, 0.1 * shore.radius], {
    place: 'island',
    ...names(title, `${title} Island`, `Insel ${title}`),
  });

  return {
    name,
    ...sketch.boxes(land.flat(), 0.15 * shore.radius),
    land: land.flatMap((outline) => sketch.cut(outline, true)).map((outline) => sketch.positions(outline)),
    nodes: sketch.nodes,
    ways: sketch.ways,
    relations: sketch.relations,
  };
}

/** Writes one island; returns the file's bytes. */
export async function writeIsland(path: string, options: IslandOptions): Promise<number> {
  return writePbf(path, { ...makeIsland(options), timestamp: SAMPLE_TIMESTAMP });
}

export interface GridOptions extends IslandOptions {
  /** The file will have at least this size, in MB of 10^6 bytes, and hardly more. */
  megabytes: number;
  /** Default true; false writes raw blobs, which is faster. */
  compress?: boolean;
}

/**
 * Writes a file of a wanted size for load tests: the same island again and again on a grid, never whole in memory.
 *
 * @returns bytes and number of islands
 * @throws RangeError when the grid would leave the map
 */
export async function writeIslandGrid(
  path: string,
  options: GridOptions,
): Promise<{ bytes: number; islands: number }> {
  const compress = options.compress ?? true;
  const island = makeIsland({ ...options, firstId: 1 });
  const write = (target: string, count: number): Promise<number> =>
    writePbf(target, { ...gridOf(island, count), timestamp: SAMPLE_TIMESTAMP }, { compress });
  // How well a block packs is known by packing some: 64 islands fill more than one block.
  const probe = `${path}.probe`;
  const bytesPerIsland = (await write(probe, 64)) / 64;
  await rm(probe);
  let islands = Math.max(1, Math.ceil((1.01 * options.megabytes * 1e6) / bytesPerIsland));
  let bytes = await write(path, islands);
  while (bytes < options.megabytes * 1e6) {
    islands += Math.ceil((options.megabytes * 1e6 - bytes) / bytesPerIsland) + 1;
    bytes = await write(path, islands);
  }
  return { bytes, islands };
}

function gridOf(
  island: Island,
  count: number,
): { box: Box; nodes: Iterable<Node>; ways: Iterable<Way>; relations: Iterable<Relation> } {
  const [west, south, east, north] = island.box;
  const columns = Math.ceil(Math.sqrt(count));
  const box: Box = [
    west,
    south,
    west + columns * (east - west),
    south + Math.ceil(count / columns) * (north - south),
  ];
  if (box[2] > 180 || box[3] > 85) {
    throw new RangeError(
      `${count} islands from ${west}°, ${south}° on would leave the map: start further south-west`,
    );
  }
  const idStep = Math.max(
    ...[island.nodes, island.ways, island.relations].map((elements) => elements.at(-1)!.id),
  );
  const ids = (cell: number, id: number): number => id + cell * idStep;
  function* cells<T>(elements: readonly T[], move: (element: T, cell: number) => T): Generator<T> {
    for (let cell = 0; cell < count; cell++) for (const element of elements) yield move(element, cell);
  }
  return {
    box,
    nodes: cells(island.nodes, ({ id, lon, lat, tags }, cell) => ({
      id: ids(cell, id),
      lon: lon + (cell % columns) * (east - west),
      lat: lat + Math.floor(cell / columns) * (north - south),
      ...(tags && { tags }),
    })),
    ways: cells(island.ways, (way, cell) => ({
      ...way,
      id: ids(cell, way.id),
      refs: way.refs.map((ref) => ids(cell, ref)),
    })),
    relations: cells(island.relations, (relation, cell) => ({
      ...relation,
      id: ids(cell, relation.id),
      members: relation.members.map((member) => ({ ...member, ref: ids(cell, member.ref) })),
    })),
  };
}

/** All land of an island as a GeoJSON FeatureCollection, for tools that take land polygons from a file. */
export function landGeoJson(island: Island): object {
  return {
    type: 'FeatureCollection',
    features: island.land.map((outline) => ({
      type: 'Feature',
      properties: {},
      geometry: { type: 'Polygon', coordinates: [outline] },
    })),
  };
}

// --- The parts of the island ----------------------------------------------------------------------------------------

interface Shore {
  /** Half the island's width, km. */
  radius: number;
  /** The point at an angle (anticlockwise from east), at a fraction of the way from the middle to the coast. */
  at(angle: number, fraction: number): Point;
}

function makeShore(radius: number, random: () => number): Shore {
  const phases = [random(), random(), random(), random()].map((number) => number * TURN);
  const waves = [
    [2, 0.12],
    [3, 0.07],
    [7, 0.03],
    [13, 0.015],
  ] as const;
  const reach = (angle: number): number =>
    radius *
    waves.reduce((sum, [turns, height], i) => sum + height * Math.sin(turns * angle + phases[i]!), 0.85);
  return {
    radius,
    at: (angle, fraction) => {
      const distance = fraction * reach(angle);
      return [distance * Math.cos(angle), distance * Math.sin(angle)];
    },
  };
}

/** Coastline runs with land on its left: anticlockwise. In two ways, as real coasts are in many. */
function drawCoast(sketch: Sketch, shore: Shore): Point[] {
  const points = steps(180).map((angle) => shore.at(angle, 1));
  const refs = points.map((point) => sketch.node(point));
  sketch.way(refs.slice(0, 101), { natural: 'coastline' });
  sketch.way([...refs.slice(100), refs[0]!], { natural: 'coastline' });
  return [...points, points[0]!];
}

function drawIslet(sketch: Sketch, middle: Point, radius: number, title: string): Point[] {
  const outline = circle(middle, radius, 40, 0.7);
  sketch.ring(outline, { natural: 'coastline' });
  sketch.line([add(middle, -0.9 * radius, 0), add(middle, 0.9 * radius, 0)], {
    highway: 'path',
    ...names(`${title} Skärsti`, 'Islet Path', 'Inselpfad'),
  });
  for (const side of [-1, 1]) {
    const spot = add(middle, (side * radius) / 2, radius / 4);
    sketch.ring(rectangle(spot, 0.03, 0.02), { building: 'yes' });
    sketch.node(spot, { amenity: 'shelter', ...names(side < 0 ? 'Vesterhytt' : 'Austerhytt') });
  }
  sketch.node(add(middle, -radius / 3, 0), {
    man_made: 'lighthouse',
    ...names('Fyrtorn', 'Lighthouse', 'Leuchtturm'),
  });
  return outline;
}

function drawLake(sketch: Sketch, shore: Shore, word: string): void {
  const middle = shore.at(2.4, 0.45);
  const water = sketch.ring(circle(middle, 0.13 * shore.radius, 36, 0.8), {});
  const island = sketch.ring(circle(middle, 0.05 * shore.radius, 18, 0.9), { natural: 'wood' });
  sketch.relation(
    [
      ...water.map((ref): Member => ({ type: 'way', ref, role: 'outer' })),
      ...island.map((ref): Member => ({ type: 'way', ref, role: 'inner' })),
    ],
    { type: 'multipolygon', natural: 'water', ...names(`${word}vatn`, `${word} Lake`, `${word}see`) },
  );
}

function drawLanduse(sketch: Sketch, shore: Shore): void {
  const sector = (from: number, to: number, inner: number, outer: number): Point[] => {
    const angles = Array.from({ length: 13 }, (_, i) => from + ((to - from) * i) / 12);
    const ring = [
      ...angles.map((angle) => shore.at(angle, outer)),
      ...angles.toReversed().map((angle) => shore.at(angle, inner)),
    ];
    return [...ring, ring[0]!];
  };
  sketch.ring(sector(0.9, 1.9, 0.25, 0.7), { landuse: 'forest' });
  sketch.ring(sector(3, 4, 0.2, 0.74), { landuse: 'farmland' });
  sketch.ring(sector(5.6, 6.1, 0.3, 0.7), { landuse: 'meadow' });
  sketch.ring(sector(0.1, 0.5, 0.96, 0.995), { natural: 'beach' });
}

/** A ring road, a village of square blocks, the ways up the hill and round it. Junctions are shared nodes. */
function drawRoadsAndVillage(sketch: Sketch, shore: Shore, title: string, words: () => string): void {
  const ring = steps(48).map((angle) => sketch.node(shore.at(angle, 0.8)));
  sketch.way([...ring, ring[0]!], {
    highway: 'primary',
    ref: 'L1',
    ...names(`${title}vegen`, 'Ring Road', 'Ringstraße'),
  });

  const block = shore.radius / 28;
  const corner = shore.at(-TURN / 4, 0.55);
  const grid = Array.from({ length: 6 }, (_, row) =>
    Array.from({ length: 7 }, (__, column) =>
      sketch.node(
        add(corner, (column - 3) * block, (row - 2.5) * block),
        row === 2 && column === 3 ? { highway: 'crossing' } : {},
      ),
    ),
  );
  const street = (refs: number[], highway: string): void => {
    const word = words();
    sketch.way(refs, { highway, ...names(`${word}gata`, `${word} Street`, `${word}straße`) });
  };
  for (const row of grid) street(row, 'residential');
  for (let column = 0; column < 7; column++) {
    street(
      grid.map((row) => row[column]!),
      column === 3 ? 'tertiary' : 'residential',
    );
  }
  drawHouses(sketch, corner, block);
  sketch.ring(rectangle(corner, 3.4 * block, 2.9 * block), { landuse: 'residential' });

  const peak = sketch.node(shore.at(1.2, 0.4), {
    natural: 'peak',
    ele: '412',
    ...names(`${title}tind`, `${title} Peak`, `${title}spitze`),
  });
  const middle = sketch.node([0, 0]);
  const harbour = sketch.node(shore.at(-TURN / 4, 0.98), {
    amenity: 'ferry_terminal',
    ...names('Hamn', 'Harbour', 'Hafen'),
  });
  sketch.way([harbour, ring[36]!, grid[0]![3]!], {
    highway: 'secondary',
    ...names('Hamnvegen', 'Harbour Road', 'Hafenstraße'),
  });
  sketch.way([grid[5]![3]!, middle], {
    highway: 'secondary',
    oneway: 'no',
    ...names('Midtvegen', 'Middle Road', 'Mittelweg'),
  });
  sketch.way([ring[0]!, middle, ring[24]!], { highway: 'unclassified', surface: 'asphalt', maxspeed: '50' });
  sketch.way([middle, sketch.node(shore.at(0.9, 0.2)), peak], { highway: 'track', tracktype: 'grade3' });
  sketch.way([peak, sketch.node(shore.at(1.5, 0.6)), ring[12]!], {
    highway: 'path',
    sac_scale: 'mountain_hiking',
  });
  sketch.way(
    steps(48)
      .slice(0, 13)
      .map((angle) => sketch.node(shore.at(angle, 0.9))),
    {
      highway: 'cycleway',
      bicycle: 'designated',
      ...names('Strandsti', 'Shore Path', 'Uferweg'),
    },
  );
  sketch.line([shore.at(1.1, 0.42), shore.at(0.7, 0.6), shore.at(0.6, 1)], {
    waterway: 'stream',
    ...names('Bekken', 'Brook', 'Bach'),
  });
  drawPlaces(sketch, corner, block, title);
}

function drawHouses(sketch: Sketch, corner: Point, block: number): void {
  let number = 0;
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 6; column++) {
      for (const [right, up] of [
        [0.25, 0.3],
        [0.7, 0.3],
        [0.3, 0.7],
        [0.75, 0.7],
      ] as const) {
        const middle = add(corner, (column - 3 + right) * block, (row - 2.5 + up) * block);
        number++;
        sketch.ring(rectangle(middle, 0.14 * block, 0.1 * block), {
          building: 'yes',
          'addr:housenumber': String(number),
        });
      }
    }
  }
}

function drawPlaces(sketch: Sketch, corner: Point, block: number, title: string): void {
  sketch.node(corner, {
    place: 'village',
    population: '840',
    ...names(`${title}by`, `${title} Village`, `${title}dorf`),
  });
  const places: [dx: number, dy: number, tags: Tags][] = [
    [-2.5, 0.5, { amenity: 'restaurant', cuisine: 'fish', ...names('Ved Sjøen', 'By the Sea', 'Am Meer') }],
    [-1.5, 1.2, { amenity: 'cafe', ...names('Kaffistova') }],
    [-0.5, -1.3, { amenity: 'pharmacy', ...names('Apotek', 'Pharmacy', 'Apotheke') }],
    [0.5, 0.4, { shop: 'bakery', ...names('Bakeri', 'Bakery', 'Bäckerei') }],
    [0.6, -0.6, { shop: 'bicycle', ...names('Sykkel', 'Bicycles', 'Fahrräder') }],
    [1.5, 1.6, { tourism: 'hotel', ...names('Holmen Hotell', 'Isle Hotel', 'Inselhotel') }],
    [1.6, -1.5, { amenity: 'fuel' }],
    [2.4, 0.5, { amenity: 'drinking_water' }],
    [2.6, 1.4, { tourism: 'camp_site', ...names('Leirplass', 'Camp Site', 'Zeltplatz') }],
    [-2.6, -1.6, { highway: 'bus_stop', ...names('Torget', 'Market Square', 'Marktplatz') }],
    [
      -1.4,
      -0.4,
      { amenity: 'place_of_worship', religion: 'christian', ...names('Kyrkje', 'Church', 'Kirche') },
    ],
  ];
  for (const [dx, dy, tags] of places) sketch.node(add(corner, dx * block, dy * block), tags);
}

/** One ferry to the islet, and one that ends far beyond the box: extracts contain such lines whole. */
function drawFerries(sketch: Sketch, shore: Shore, islet: Point, title: string): void {
  const ferry = (to: string): Tags => ({ route: 'ferry', ...names(`${title} – ${to}`) });
  sketch.line([shore.at(0.3, 0.99), add(islet, -0.17 * shore.radius, -0.02)], ferry('Skär'));
  sketch.line(
    [shore.at(-TURN / 4, 0.98), [0, -2 * shore.radius], [0.5 * shore.radius, -6 * shore.radius]],
    ferry('Fastland'),
  );
}

// --- The drawing board ----------------------------------------------------------------------------------------------

/** Collects elements drawn in km, and gives them ids and degrees. Lines and rings are cut at the 180th meridian. */
class Sketch {
  readonly nodes: Node[] = [];
  readonly ways: Way[] = [];
  readonly relations: Relation[] = [];
  readonly #lon: number;
  readonly #lat: number;
  readonly #firstId: number;
  readonly #kmPerLon: number;
  /** How far east of the middle the 180th meridian is, km (negative: west). The nearer of its two places. */
  readonly meridian: number;

  constructor(lon: number, lat: number, firstId: number) {
    this.#lon = lon;
    this.#lat = lat;
    this.#firstId = firstId;
    this.#kmPerLon = KM_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
    this.meridian = (lon < 0 ? -180 - lon : 180 - lon) * this.#kmPerLon;
  }

  node(point: Point, tags: Tags = {}): number {
    return this.#add(this.position(point), tags);
  }

  way(refs: readonly number[], tags: Tags): number {
    const id = this.#firstId + this.ways.length;
    this.ways.push({ id, refs, tags });
    return id;
  }

  /** A line of its own nodes; returns the ids of its ways, two when it crosses the meridian. */
  line(points: readonly Point[], tags: Tags): number[] {
    return this.cut(points, false).map((part) => this.way(this.#nodes(part), tags));
  }

  /** A closed way (first point given again at the end) of its own nodes. */
  ring(points: readonly Point[], tags: Tags): number[] {
    return this.cut(points, true).map((part) => {
      const refs = this.#nodes(part.slice(0, -1));
      return this.way([...refs, refs[0]!], tags);
    });
  }

  relation(members: readonly Member[], tags: Tags): void {
    this.relations.push({ id: this.#firstId + this.relations.length, members, tags });
  }

  /**
   * Parts of a line or ring on each side of the meridian. A cut ring is closed along the meridian, as OSM's coastlines
   * are; that is right for convex rings, and only the islet is drawn across.
   */
  cut(points: readonly Point[], closed: boolean): Point[][] {
    const sides = [-1, 1].map((side) => points.map(([x]) => side * (x - this.meridian)));
    if (sides.some((distances) => distances.every((distance) => distance >= 0))) return [[...points]];
    return [-1, 1].map((side) => {
      const part = this.#half(points, side);
      return closed && part[0] !== part.at(-1) ? [...part, part[0]!] : part;
    });
  }

  position(point: Point): Position {
    return this.positions([point])[0]!;
  }

  /** Degrees of points that lie on one side of the meridian. Those on it get the sign of their side: 180 or -180. */
  positions(points: readonly Point[]): Position[] {
    const sign = Math.sign(this.meridian);
    const beyond = points.some(([x]) => sign * (x - this.meridian) > 1e-6);
    return points.map(([x, y]) => {
      const lon = roundDegrees(this.#lon + x / this.#kmPerLon);
      return [beyond ? roundDegrees(lon - sign * 360) : lon, roundDegrees(this.#lat + y / KM_PER_DEGREE)];
    });
  }

  /** The box or boxes of some points with a margin, in km, and the box for the file's header. */
  boxes(points: readonly Point[], margin: number): { box: Box; boxes: Box[] } {
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const south = roundDegrees(this.#lat + (Math.min(...ys) - margin) / KM_PER_DEGREE);
    const north = roundDegrees(this.#lat + (Math.max(...ys) + margin) / KM_PER_DEGREE);
    const west = roundDegrees(this.#lon + (Math.min(...xs) - margin) / this.#kmPerLon);
    const east = roundDegrees(this.#lon + (Math.max(...xs) + margin) / this.#kmPerLon);
    if (west >= -180 && east <= 180)
      return { box: [west, south, east, north], boxes: [[west, south, east, north]] };
    return {
      box: [-180, south, 180, north],
      boxes: [
        [roundDegrees(west < -180 ? west + 360 : west), south, 180, north],
        [-180, south, roundDegrees(east > 180 ? east - 360 : east), north],
      ],
    };
  }

  #half(points: readonly Point[], side: number): Point[] {
    const out: Point[] = [];
    for (const [i, point] of points.entries()) {
      const before = points[i - 1];
      const inside = side * (point[0] - this.meridian) >= 0;
      if (before && inside !== side * (before[0] - this.meridian) >= 0) {
        const t = (this.meridian - before[0]) / (point[0] - before[0]);
        out.push([this.meridian, before[1] + t * (point[1] - before[1])]);
      }
      if (inside) out.push(point);
    }
    return out;
  }

  /** Nodes for a part that lies on one side. */
  #nodes(points: readonly Point[]): number[] {
    return this.positions(points).map((position) => this.#add(position, {}));
  }

  #add([lon, lat]: Position, tags: Tags): number {
    const id = this.#firstId + this.nodes.length;
    this.nodes.push({ id, lon, lat, tags });
    return id;
  }
}

function roundDegrees(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7;
}

function steps(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * TURN) / count);
}

function add([x, y]: Point, dx: number, dy: number): Point {
  return [x + dx, y + dy];
}

function circle(middle: Point, radius: number, count: number, flatness: number): Point[] {
  const ring = steps(count).map((angle) =>
    add(middle, radius * Math.cos(angle), flatness * radius * Math.sin(angle)),
  );
  return [...ring, ring[0]!];
}

function rectangle(middle: Point, halfWidth: number, halfHeight: number): Point[] {
  const first = add(middle, -halfWidth, -halfHeight);
  return [
    first,
    add(middle, halfWidth, -halfHeight),
    add(middle, halfWidth, halfHeight),
    add(middle, -halfWidth, halfHeight),
    first,
  ];
}

function names(name: string, english?: string, german?: string): Tags {
  return { name, ...(english && { 'name:en': english }), ...(german && { 'name:de': german }) };
}

/** Made-up words, one after the other. */
function makeNames(random: () => number): () => string {
  const starts = [
    'Al',
    'Bro',
    'Dam',
    'Eik',
    'Fur',
    'Grå',
    'Hest',
    'Kvit',
    'Lyng',
    'Myr',
    'Nor',
    'Ør',
    'Rau',
    'Sund',
    'Ty',
  ];
  const ends = ['dal', 'berg', 'foss', 'haug', 'lund', 'mark', 'nes', 'rud', 'stad', 'vik'];
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)]!;
  return () => pick(starts) + pick(ends);
}

/** Mulberry32: a small generator with a seed, which Math.random lacks. Numbers in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// --- The command ----------------------------------------------------------------------------------------------------

const USAGE = `Usage: node scripts/sample/island.ts OUT.osm.pbf [--name NAME] [--lon DEG] [--lat DEG] [--seed N] [--size KM]
       [--land OUT.geojson] [--megabytes N [--raw]]`;

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'brack' },
      lon: { type: 'string', default: '-21.5' },
      lat: { type: 'string', default: '48.2' },
      seed: { type: 'string', default: '1' },
      size: { type: 'string', default: '6' },
      land: { type: 'string' },
      megabytes: { type: 'string' },
      raw: { type: 'boolean', default: false },
    },
  });
  const [path, ...rest] = positionals;
  if (!path || rest.length > 0) throw new Error(USAGE);
  const options: IslandOptions = {
    name: values.name,
    lon: numberOf('--lon', values.lon),
    lat: numberOf('--lat', values.lat),
    seed: numberOf('--seed', values.seed),
    sizeKm: numberOf('--size', values.size),
  };
  if (values.land) await writeFile(values.land, JSON.stringify(landGeoJson(makeIsland(options))));
  if (values.megabytes === undefined) {
    console.log(`${path}: ${await writeIsland(path, options)} bytes`);
    return;
  }
  const megabytes = numberOf('--megabytes', values.megabytes);
  const grid = await writeIslandGrid(path, { ...options, megabytes, compress: !values.raw });
  console.log(`${path}: ${grid.bytes} bytes, ${grid.islands} islands`);
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new Error(`${option} must be a number, got "${text}"\n${USAGE}`);
  return number;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
