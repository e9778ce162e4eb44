/** Boxes on a round Earth, as GeoJSON (RFC 7946) writes them. */

/** `[west, south, east, north]` in degrees, west < east. What crosses the 180th meridian is two boxes. */
export type Box = readonly [west: number, south: number, east: number, north: number];

export type BoxGeometry =
  | { type: 'Polygon'; coordinates: number[][][] }
  | { type: 'MultiPolygon'; coordinates: number[][][][] };

/** One box is a Polygon, several are a MultiPolygon: cut at the 180th meridian, as RFC 7946 (3.1.9) wants it. */
export function boxesGeometry(boxes: readonly Box[]): BoxGeometry {
  const [first, ...more] = boxes.map((box) => [ring(box)]);
  if (!first) {
    throw new Error('No box, no geometry');
  }
  return more.length === 0
    ? { type: 'Polygon', coordinates: first }
    : { type: 'MultiPolygon', coordinates: [first, ...more] };
}

/**
 * The box around all of them, with west > east when it crosses the 180th meridian (RFC 7946, 5.2): of all ways round the Earth
 * the one that leaves out the widest gap between them.
 */
export function boxAround(boxes: readonly Box[]): [number, number, number, number] {
  const sorted = boxes.toSorted((a, b) => a[0] - b[0]);
  let [west, , reach] = sorted[0]!;
  const firstWest = west;
  let eastEnd = Math.max(...sorted.map((box) => box[2]));
  // The gap behind the last box, over the 180th meridian to the first.
  let widest = firstWest + 360 - eastEnd;
  for (const [start, , end] of sorted) {
    if (start - reach > widest) {
      widest = start - reach;
      west = start;
      eastEnd = reach;
    }
    reach = Math.max(reach, end);
  }
  return [west, Math.min(...boxes.map((box) => box[1])), eastEnd, Math.max(...boxes.map((box) => box[3]))];
}

/** Closed, counter-clockwise. */
function ring([west, south, east, north]: Box): number[][] {
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
}
