/** The drawing board: shapes drawn in km become OSM elements in degrees, cut at the 180th meridian. */
import type { Box, Member, Node, Relation, Tags, Way } from './osm-pbf.ts';

export type Position = [lon: number, lat: number];

/** East and north of the main island's middle, km. */
export type Point = readonly [x: number, y: number];

const KM_PER_DEGREE = 111.32;
export const TURN = 2 * Math.PI;

/** Collects elements drawn in km, and gives them ids and degrees. Lines and rings are cut at the 180th meridian. */
export class Sketch {
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

export function steps(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * TURN) / count);
}

export function add([x, y]: Point, dx: number, dy: number): Point {
  return [x + dx, y + dy];
}

export function circle(middle: Point, radius: number, count: number, flatness: number): Point[] {
  const ring = steps(count).map((angle) =>
    add(middle, radius * Math.cos(angle), flatness * radius * Math.sin(angle)),
  );
  return [...ring, ring[0]!];
}

export function rectangle(middle: Point, halfWidth: number, halfHeight: number): Point[] {
  const first = add(middle, -halfWidth, -halfHeight);
  return [
    first,
    add(middle, halfWidth, -halfHeight),
    add(middle, halfWidth, halfHeight),
    add(middle, -halfWidth, halfHeight),
    first,
  ];
}
