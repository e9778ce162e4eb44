/**
 * Opens maps with mapsforge's own reader (Debian's libmapsforge-java) in a container: a judge that shares no code with
 * the writer's side. The image is built at first use.
 */
import { ask } from '../judge.ts';

const JUDGE = { image: 'longshore/mapreader:develop', folder: import.meta.dirname };

export interface MapHeader {
  /** Degrees: west, south, east, north. */
  bbox: [number, number, number, number];
  zoomMin: number;
  zoomMax: number;
  /** ISO 8601. */
  date: string;
  /** Bytes; equal to the file's size, or reading fails. */
  fileSize: number;
  fileVersion: number;
  /** `en,de`, or null for the default names. */
  languages: string | null;
  comment: string | null;
  createdBy: string | null;
  projection: string;
  tileSize: number;
  startPosition: [lon: number, lat: number] | null;
  startZoom: number | null;
  poiTags: string[];
  wayTags: string[];
}

export interface SubFile {
  baseZoom: number;
  zoomMin: number;
  zoomMax: number;
  bytes: number;
  tiles: number;
  tilesWithObjects: number;
  /** Tiles that the file marks as all water. */
  waterTiles: number;
  ways: number;
  pois: number;
  /** SHA-256 of a tile's objects, whatever their order, by `zoom/x/y`. */
  tileDigests: Record<string, string>;
}

export interface MapReport {
  file: string;
  header: MapHeader;
  subFiles: SubFile[];
  /** Over all sub-files; an object in several tiles counts in each. */
  ways: number;
  pois: number;
  /** At the finest sub-file. Areas in km², cut to the tiles. */
  land: {
    zoom: number;
    tilesKm2: number;
    noseaKm2: number;
    seaKm2: number;
    tilesAllLand: number;
    tilesWithoutLand: number;
  };
  /** How many objects of the finest sub-file have a tag, by `key=value`; `name=*` and its like by key. */
  tags: Record<string, number>;
  /** Of all objects in all tiles: equal for maps with equal content. */
  digest: string;
}

export interface MapComparison {
  /** Headers (but for date, size and writer), tiles, and objects (areas by their shape) are the same. */
  equal: boolean;
  header: { field: string; first: unknown; second: unknown }[];
  tilesCompared: number;
  tilesDifferent: number;
  /** Tiles that only one map has. */
  tilesMissing: number;
  objectsSame: number;
  /** Areas of the same shape whose rings start at another corner or run the other way: drawn the same. */
  objectsSameShape: number;
  objectsOnlyFirst: number;
  objectsOnlySecond: number;
  /** Objects that only one map has, both maps together, by base zoom. */
  differencesByZoom: Record<string, number>;
  /** Differing objects by kind and first tag, e.g. `way natural=nosea`. */
  byTag: Record<string, { onlyFirst: number; onlySecond: number }>;
  /** The tile where the land of the two differs most, as a share of the tile. */
  landDifference: { worstTileFraction: number; tile: string | null };
  missingTiles: { tile: string; only: 'first' | 'second' }[];
  examples: { tile: string; only: 'first' | 'second'; object: string }[];
}

/**
 * What is in a map.
 *
 * @throws Error when there is no engine, or the file is no whole map
 */
export async function readMap(path: string): Promise<MapReport> {
  return await ask<MapReport>(JUDGE, [path]);
}

/** How two maps differ, object by object, with at most `examples` of the differing ones. */
export async function compareMaps(first: string, second: string, examples = 20): Promise<MapComparison> {
  return await ask<MapComparison>(JUDGE, [first, second], String(examples));
}
