/** Shapes of areas for a page: what a map of the world can show, and not more. */
import { simplify } from '@turf/simplify';
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from 'geojson';

export interface AreaProperties {
  task: string;
  /** What the job publishes as: `europe/monaco`. */
  name: string;
  /** For people: `Monaco`. */
  title: string;
}
export type Areas = FeatureCollection<Polygon | MultiPolygon, AreaProperties>;

/** A twentieth of a degree is a pixel where the world is 7,200 pixels wide; small areas keep their form. */
const MOST_DEGREES = 0.05;
const SHARE_OF_WIDTH = 1 / 100;
/** 11 m, less than what the tolerance takes away from an area of a kilometre. */
const DIGITS = 4;

/** The area with fewer points. A shape of which nothing would be left (a ring that is a line, or a point) is kept as it is. */
export function simplifyArea<P>(
  area: Feature<Polygon | MultiPolygon, P>,
): Feature<Polygon | MultiPolygon, P> {
  const tolerance = Math.min(MOST_DEGREES, widthOf(area.geometry) * SHARE_OF_WIDTH);
  const { type, coordinates } = simplified(area.geometry, tolerance);
  const geometry = { type, coordinates: rounded(coordinates) } as Polygon | MultiPolygon;
  return { ...area, geometry };
}

function simplified(geometry: Polygon | MultiPolygon, tolerance: number): Polygon | MultiPolygon {
  try {
    return simplify(geometry, { tolerance });
  } catch {
    // Thrown for such a ring only, and a picture is no reason to make no map.
    return geometry;
  }
}

const pointsOf = ({ type, coordinates }: Polygon | MultiPolygon): number[][] =>
  type === 'Polygon' ? coordinates.flat() : coordinates.flat(2);

function widthOf(geometry: Polygon | MultiPolygon): number {
  const points = pointsOf(geometry);
  const spread = (at: 0 | 1): number => {
    let [least, most] = [Infinity, -Infinity];
    for (const point of points) {
      least = Math.min(least, point[at]!);
      most = Math.max(most, point[at]!);
    }
    return most - least;
  };
  return Math.max(spread(0), spread(1));
}

type Nested = number | Nested[];
const rounded = (value: Nested): Nested =>
  typeof value === 'number' ? Number(value.toFixed(DIGITS)) : value.map(rounded);
