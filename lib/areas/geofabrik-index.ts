/**
 * Geofabrik's published list of areas, `index-v1.json`: a GeoJSON FeatureCollection with the properties `id`, `parent`,
 * `name`, `urls.pbf`. https://download.geofabrik.de/technical.html
 */
import { isNativeError } from 'node:util/types';
import type { MultiPolygon, Polygon } from 'geojson';
import * as z from 'zod';
import { shapeFault } from './check-shape.ts';

/** One area of the index that has an extract. */
export interface IndexArea {
  /** Geofabrik's own id: `monaco`, `us/california`. */
  id: string;
  parent?: string;
  /** For people: `Monaco`. */
  title: string;
  /** Path of its extract on the mirror without `-latest.osm.pbf`: `europe/monaco`. The task's area goes by it. */
  area: string;
  /** The server (and folder) that the extract lies below: `https://download.geofabrik.de`. */
  mirror: string;
  /** False where other areas of the index lie within it. */
  leaf: boolean;
  shape?: Polygon | MultiPolygon;
}

/** Every fault, each with the place in the index (`feature 3 (monaco)`). */
export class BadIndexError extends Error {
  override name = 'BadIndexError';
  readonly faults: string[];
  constructor(index: string, faults: string[]) {
    super(faults.map((fault) => `${index}, ${fault}`).join('\n'));
    this.faults = faults;
  }
}

const Feature = z.object({
  type: z.literal('Feature'),
  properties: z.object({
    id: z.string().min(1),
    parent: z.string().min(1).nullish(),
    name: z.string().nullish(),
    urls: z.object({ pbf: z.string().min(1).nullish() }).nullish(),
  }),
  geometry: z
    .object({ type: z.enum(['Polygon', 'MultiPolygon']), coordinates: z.array(z.unknown()) })
    .nullish(),
});
type Feature = z.output<typeof Feature>;

const Collection = z.object({ type: z.literal('FeatureCollection'), features: z.array(z.unknown()) });

/** A million faults help nobody. */
const MAX_FAULTS = 50;
const ENDING = '-latest.osm.pbf';

/** `uri`: where the index was read; addresses in it may be relative to that. Throws {@link BadIndexError}. */
export function parseIndex(text: string, uri: string): IndexArea[] {
  const features = readFeatures(text, uri);
  const faults: string[] = [];
  const fitted = features.flatMap((feature, at) => fit(feature, at, faults));
  faults.push(...repeated(fitted), ...circles(fitted));
  const areas = fitted.flatMap((one) => toArea(one, uri, faults));
  if (faults.length === 0 && areas.length === 0) faults.push('it has no feature with urls.pbf');
  if (faults.length > 0) throw new BadIndexError(uri, shortened(faults));
  return markLeaves(onceEach(areas), fitted);
}

const shortened = (faults: string[]): string[] =>
  faults.length <= MAX_FAULTS
    ? faults
    : [...faults.slice(0, MAX_FAULTS), `and ${faults.length - MAX_FAULTS} more`];

function readFeatures(text: string, uri: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const reason = isNativeError(error) ? error.message : String(error);
    throw new BadIndexError(uri, [`the index: it is not JSON (${reason})`]);
  }
  const { data, error } = Collection.safeParse(value);
  if (data) return data.features;
  throw new BadIndexError(
    uri,
    error.issues.map(
      ({ path, message }) => `the index: it is no GeoJSON FeatureCollection: ${path.join('.')}: ${message}`,
    ),
  );
}

interface Placed extends Feature {
  where: string;
}

function fit(value: unknown, at: number, faults: string[]): Placed[] {
  const id = (value as { properties?: { id?: unknown } } | null)?.properties?.id;
  const where = `feature ${at + 1}${typeof id === 'string' ? ` (${id})` : ''}`;
  const { data, error } = Feature.safeParse(value);
  if (data) return [{ ...data, where }];
  faults.push(...error.issues.map(({ path, message }) => `${where}: ${path.join('.')}: ${message}`));
  return [];
}

/** One id for two areas: nobody could tell which one is the parent. The very same area listed twice is no fault. */
function repeated(features: Placed[]): string[] {
  const first = new Map<string, Placed>();
  return features.flatMap((feature) => {
    const { id, urls } = feature.properties;
    const before = first.get(id);
    if (!before) first.set(id, feature);
    if (!before || before.properties.urls?.pbf === urls?.pbf) return [];
    return [`${feature.where}: the id "${id}" is that of ${before.where}, too, with another extract`];
  });
}

function circles(features: Placed[]): string[] {
  const parents = new Map(features.map(({ properties: { id, parent } }) => [id, parent ?? undefined]));
  return features.flatMap(({ where, properties: { id } }) => {
    const seen = new Set([id]);
    for (let at = parents.get(id); at !== undefined; at = parents.get(at)) {
      if (at === id) return [`${where}: it is its own ancestor, by "parent"`];
      if (seen.has(at)) return [];
      seen.add(at);
    }
    return [];
  });
}

type FoundArea = Omit<IndexArea, 'leaf'>;

function toArea({ where, properties, geometry }: Placed, uri: string, faults: string[]): FoundArea[] {
  const { id, parent, name, urls } = properties;
  if (!urls?.pbf) return [];
  const extract = placeOf(urls.pbf, uri);
  if (!extract) {
    const want = `an address that ends in <area>${ENDING}`;
    faults.push(`${where}: properties.urls.pbf: "${urls.pbf}" must be ${want}`);
    return [];
  }
  const fault = geometry ? shapeFault(geometry.type, geometry.coordinates) : undefined;
  if (fault !== undefined) faults.push(`${where}: geometry.coordinates: ${fault}`);
  return [
    {
      id,
      ...(parent ? { parent } : {}),
      title: titleOf(name) || id,
      ...extract,
      ...(geometry ? { shape: geometry as Polygon | MultiPolygon } : {}),
    },
  ];
}

/** Names are written for Geofabrik's own page: `Województwo opolskie<br />(Opole Voivodeship)`. */
const titleOf = (name: string | null | undefined): string =>
  (name ?? '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const AREA = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/;

/** Server and area of an extract's address. On the index's own server, the mirror is the folder that the index lies in. */
function placeOf(pbf: string, uri: string): Pick<IndexArea, 'area' | 'mirror'> | undefined {
  const base = /^https?:/.test(uri) ? uri : 'https://download.geofabrik.de/index-v1.json';
  if (!URL.canParse(pbf, base)) return undefined;
  const url = new URL(pbf, base);
  if (!url.pathname.endsWith(ENDING) || !/^https?:$/.test(url.protocol)) return undefined;
  const folder = new URL('.', base);
  const below = url.href.startsWith(folder.href) ? folder.pathname : '/';
  const area = url.pathname.slice(below.length, -ENDING.length);
  return AREA.test(area) ? { area, mirror: (url.origin + below).replace(/\/$/, '') } : undefined;
}

/** Areas of one extract are one area. */
function onceEach(areas: FoundArea[]): FoundArea[] {
  const byExtract = new Map<string, FoundArea>();
  for (const area of areas) {
    const key = `${area.mirror}/${area.area}`;
    if (!byExtract.has(key)) byExtract.set(key, area);
  }
  return [...byExtract.values()];
}

/**
 * An area is no leaf when another names it as parent, or lies below it on the server (`north-america/us` and
 * `north-america/us/texas`): not all of Geofabrik's areas name the nearest area above them.
 */
function markLeaves(areas: FoundArea[], features: Placed[]): IndexArea[] {
  const withExtract = features.filter(({ properties }) => properties.urls?.pbf);
  const parents = new Set(withExtract.map(({ properties }) => properties.parent));
  const above = new Set(areas.flatMap(({ area }) => foldersOf(area)));
  return areas.map((area) => ({ ...area, leaf: !parents.has(area.id) && !above.has(area.area) }));
}

/** `a/b/c` → `a/b`, `a`. */
export function foldersOf(area: string): string[] {
  const parts = area.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
}
