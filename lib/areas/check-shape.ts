/** Whether a GeoJSON geometry is what it says: the index is somebody else's file. */

/** What is wrong with the coordinates of a Polygon or MultiPolygon; undefined when nothing is. */
export function shapeFault(type: 'Polygon' | 'MultiPolygon', coordinates: unknown[]): string | undefined {
  const polygons = type === 'Polygon' ? [coordinates] : coordinates;
  const isShape = polygons.length > 0 && polygons.every((one) => isNonEmptyArray(one) && one.every(isRing));
  return isShape ? undefined : `a ${type} must be rings of at least 4 points, each [longitude, latitude]`;
}

const isNonEmptyArray = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

const isRing = (ring: unknown): boolean => Array.isArray(ring) && ring.length >= 4 && ring.every(isPoint);

const isPoint = (point: unknown): boolean =>
  Array.isArray(point) && point.length >= 2 && isWithin(point[0], 180) && isWithin(point[1], 90);

/** A buffered boundary at the edge of the world may be over it by a hair. */
const isWithin = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Math.abs(value) <= most + 1;
