/**
 * An island that does not exist, with all that a map job must cope with: coastline in several ways, an islet, a lake with an
 * island in it, roads that share junctions, names in three languages, and a ferry that leaves the box.
 */
import {
  drawCoast,
  drawFerries,
  drawIslet,
  drawLake,
  drawLanduse,
  drawRoadsAndVillage,
  makeShore,
} from './island-parts.ts';
import { makeNames, names } from './names.ts';
import { writePbf, type Box, type Node, type Relation, type Way } from './osm-pbf.ts';
import { Sketch, type Point, type Position } from './sketch.ts';

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

/** When the sample's data is said to be from: fixed, so that a sample is the same file every time it is made. */
export const SAMPLE_TIMESTAMP = new Date('2026-01-01T00:00:00Z');

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
