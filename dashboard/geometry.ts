/** From longitude and latitude to the map's own plane, in which the whole world is {@link WORLD} wide. */
import { geoArea, geoEqualEarth, geoPath, type GeoPermissibleObjects } from 'd3-geo';
import type { Geometry, Position } from 'geojson';
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

export const WORLD = { width: 1000, height: 487 };

/** Equal areas: a region's colour takes the room that the region has. Cut at 169° W, in the Bering Strait. */
const projection = geoEqualEarth()
  .rotate([-11, 0])
  .precision(0.05)
  .fitSize([WORLD.width, WORLD.height], { type: 'Sphere' });

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Shape extends Box {
  path: Path2D;
  /** Its largest part: how far that reaches, and its middle, where sign and name stand. */
  main: Main;
}

export interface Main extends Box {
  x: number;
  y: number;
}

const nothing = (): Box => ({
  left: Number.POSITIVE_INFINITY,
  top: Number.POSITIVE_INFINITY,
  right: Number.NEGATIVE_INFINITY,
  bottom: Number.NEGATIVE_INFINITY,
});

function reach(box: Box, x: number, y: number): void {
  box.left = Math.min(box.left, x);
  box.right = Math.max(box.right, x);
  box.top = Math.min(box.top, y);
  box.bottom = Math.max(box.bottom, y);
}

/** A path that remembers how far it reaches, and where its largest ring is. */
class Recorder {
  readonly path = new Path2D();
  readonly box = nothing();
  #ring: [number, number][] = [];
  #largest = -1;
  #main: Main | undefined;

  moveTo(x: number, y: number): void {
    this.path.moveTo(x, y);
    this.#ring = [];
    this.#reach(x, y);
  }

  lineTo(x: number, y: number): void {
    this.path.lineTo(x, y);
    this.#reach(x, y);
  }

  /** Points are drawn as such. */
  arc(x: number, y: number): void {
    this.#reach(x, y);
  }

  beginPath(): void {}

  closePath(): void {
    this.path.closePath();
    const { extent, main } = measure(this.#ring);
    if (extent <= this.#largest) return;
    this.#largest = extent;
    this.#main = main;
  }

  shape(): Shape | undefined {
    const { left, top, right, bottom } = this.box;
    if (!Number.isFinite(left)) return undefined;
    const whole = { ...this.box, x: (left + right) / 2, y: (top + bottom) / 2 };
    return { ...this.box, path: this.path, main: this.#main ?? whole };
  }

  #reach(x: number, y: number): void {
    this.#ring.push([x, y]);
    reach(this.box, x, y);
  }
}

/** The ring's area and its centroid (its box's middle where it has no area). */
function measure(ring: [number, number][]): { extent: number; main: Main } {
  const box = nothing();
  let [twice, sumX, sumY] = [0, 0, 0];
  for (const [at, [x, y]] of ring.entries()) {
    const [nextX, nextY] = ring[(at + 1) % ring.length]!;
    const cross = x * nextY - nextX * y;
    twice += cross;
    sumX += (x + nextX) * cross;
    sumY += (y + nextY) * cross;
    reach(box, x, y);
  }
  const flat = Math.abs(twice) < 1e-9;
  return {
    extent: Math.abs(twice) / 2,
    main: {
      ...box,
      x: flat ? (box.left + box.right) / 2 : sumX / (3 * twice),
      y: flat ? (box.top + box.bottom) / 2 : sumY / (3 * twice),
    },
  };
}

/** `undefined` for what cannot be drawn: no geometry, or one without a point in it. */
export function shapeOf(geometry: unknown): Shape | undefined {
  const recorder = new Recorder();
  try {
    geoPath(
      projection,
      recorder as unknown as CanvasRenderingContext2D,
    )(wound(geometry as Geometry) as GeoPermissibleObjects);
  } catch {
    return undefined;
  }
  return recorder.shape();
}

/** The sphere's outline. */
export const globe = (): Path2D => shapeOf({ type: 'Sphere' })!.path;

export interface Land {
  land: Path2D;
  borders: Path2D;
}

export async function fetchLand(detail: '110m' | '50m'): Promise<Land> {
  const answer = await fetch(`/assets/countries-${detail}.json`);
  const atlas = (await answer.json()) as Topology<{
    countries: GeometryCollection;
    land: GeometryCollection;
  }>;
  const { countries, land } = atlas.objects;
  return {
    land: shapeOf(feature(atlas, land))!.path,
    borders: shapeOf(mesh(atlas, countries, (a, b) => a !== b))!.path,
  };
}

// --- What GeoJSON leaves open ---------------------------------------------------------------------------------------

/**
 * On a sphere a ring has two insides. d3 takes the one to the right, GeoJSON (RFC 7946) says the left one, and files have
 * both: here it is always the smaller one, for no area is larger than half the world.
 */
function wound<G extends Geometry | { type: 'Sphere' }>(geometry: G): G {
  switch (geometry.type) {
    case 'Polygon':
      return { ...geometry, coordinates: rings(geometry.coordinates) };
    case 'MultiPolygon':
      return { ...geometry, coordinates: geometry.coordinates.map(rings) };
    default:
      return geometry;
  }
}

const HALF = 2 * Math.PI;

function rings(given: Position[][]): Position[][] {
  return given.map((ring, at) => {
    const dense = along(ring);
    const large = geoArea({ type: 'Polygon', coordinates: [dense] }) > HALF;
    return large === (at === 0) ? dense.toReversed() : dense;
  });
}

/** A line of so many degrees is a parallel all the way round (Antarctica's box), and no step over the antimeridian. */
const ROUND = 359;
/** Degrees between two points of a line that d3 would otherwise draw as a great circle: boxes follow their parallels. */
const STEP = 4;

function along(ring: Position[]): Position[] {
  const points: Position[] = [];
  for (const [at, point] of ring.entries()) {
    const [x = 0, y = 0] = point;
    const [toX = 0, toY = 0] = ring[at + 1] ?? point;
    points.push(point);
    // The other way round is shorter: it crosses the antimeridian, which is d3's affair.
    const wide = Math.abs(toX - x);
    const steps = wide > 180 && wide < ROUND ? 1 : Math.ceil(wide / STEP);
    for (let step = 1; step < steps; step++) {
      points.push([x + ((toX - x) * step) / steps, y + ((toY - y) * step) / steps]);
    }
  }
  return points;
}
