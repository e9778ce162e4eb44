/** A world shaped like Geofabrik's (`manifests/world-shape.json`): areas and about how large they are, for lack of a mirror. */
import shape from '../../manifests/world-shape.json' with { type: 'json' };
import { foldersOf } from '../areas/geofabrik-index.ts';
import { randomOf } from './random.ts';

const MB = 1e6;

export interface ShapedArea {
  /** `europe/monaco`. */
  area: string;
  bytes: number;
}

export function worldShape(): ShapedArea[] {
  return Object.entries(shape.areas).flatMap(([parent, areas]) =>
    Object.entries(areas as Record<string, number>).map(([name, mb]) => ({
      area: parent === '' ? name : `${parent}/${name}`,
      bytes: mb * MB,
    })),
  );
}

/** The table as an index in Geofabrik's format: what a manifest that chooses from theirs is given in its place. */
export function shapeIndex(): string {
  const areas = worldShape().map(({ area }) => area);
  const all = [...new Set(areas.flatMap(foldersOf)), ...areas];
  const features = all.map((area) => {
    const parent = foldersOf(area).at(-1);
    const properties = {
      id: idOf(area, all),
      name: area,
      ...(parent === undefined ? {} : { parent: idOf(parent, all) }),
      urls: { pbf: `${area}-latest.osm.pbf` },
    };
    return { type: 'Feature', properties, geometry: null };
  });
  return JSON.stringify({ type: 'FeatureCollection', features });
}

/** Their own ids are an area's last part, `monaco`; two parts where that would be another's, `us/georgia`. */
function idOf(area: string, all: string[]): string {
  const parts = area.split('/');
  const last = `/${parts.at(-1)!}`;
  const namesakes = all.filter((one) => `/${one}`.endsWith(last));
  return namesakes[0] === area || namesakes.length === 1 ? last.slice(1) : parts.slice(-2).join('/');
}

/** The size of an area; one that the table does not have is as large as some other, by chance. */
export function sizesOf(seed: number): (area: string) => { bytes: number; known: boolean } {
  const areas = worldShape();
  const known = new Map(areas.map(({ area, bytes }) => [area, bytes]));
  return (area) => {
    const bytes = known.get(area);
    if (bytes !== undefined) return { bytes, known: true };
    return { bytes: areas[Math.floor(randomOf(seed, area).uniform() * areas.length)]!.bytes, known: false };
  };
}

/**
 * The same world cut into so many areas, or the largest so many of it: a grid of equal parts within each area, more where
 * there is more. `europe/monaco/1`, `europe/monaco/2`, …
 */
export function cutInto<T extends { bytes: number }>(
  areas: readonly T[],
  count: number,
  part: (area: T, number: number, bytes: number) => T,
): T[] {
  if (count <= areas.length) return areas.toSorted((a, b) => b.bytes - a.bytes).slice(0, count);
  const total = areas.reduce((sum, { bytes }) => sum + bytes, 0);
  const extra = count - areas.length;
  // Each area is one part at least; what is left is shared by size, the remainders by their size too.
  const wanted = areas.map((area) => (area.bytes / total) * extra);
  const parts = wanted.map((one) => 1 + Math.floor(one));
  const byRemainder = wanted
    .map((one, at) => ({ at, rest: one - Math.floor(one) }))
    .toSorted((a, b) => b.rest - a.rest || a.at - b.at);
  const missing = count - parts.reduce((sum, one) => sum + one, 0);
  for (const { at } of byRemainder.slice(0, missing)) parts[at]! += 1;
  return areas.flatMap((area, at) =>
    parts[at] === 1
      ? [area]
      : Array.from({ length: parts[at]! }, (_, index) => part(area, index + 1, area.bytes / parts[at]!)),
  );
}
