/** Which part of the plane is seen: screen = plane × k + (x, y), in CSS pixels. */
import { WORLD, type Box } from './geometry.ts';

export interface Viewport {
  k: number;
  x: number;
  y: number;
}

interface Size {
  width: number;
  height: number;
}

/** At 800 a pixel of a usual screen is some 50 m. */
const MOST = 800;
/** Around what is fitted, in CSS pixels. */
const MARGIN = 24;

const WHOLE: Box = { left: 0, top: 0, right: WORLD.width, bottom: WORLD.height };

/** The box in the middle, as large as fits; at most ten times the world, so that one small area is seen with its surroundings. */
export function fit(box: Box | undefined, size: Size): Viewport {
  const { left, top, right, bottom } = box ?? WHOLE;
  const margin = box ? Math.min(MARGIN, size.width / 40) : 4;
  const most = box ? 14 * leastZoom(size) : MOST;
  const k = Math.min(
    (size.width - 2 * margin) / Math.max(right - left, 0.01),
    (size.height - 2 * margin) / Math.max(bottom - top, 0.01),
    most,
  );
  return bounded(
    { k, x: size.width / 2 - (k * (left + right)) / 2, y: size.height / 2 - (k * (top + bottom)) / 2 },
    size,
  );
}

const leastZoom = (size: Size): number => Math.min(size.width / WORLD.width, size.height / WORLD.height);

/** Zooms by a factor about a point of the screen. */
export function zoom(
  { k, x, y }: Viewport,
  factor: number,
  [atX, atY]: [number, number],
  size: Size,
): Viewport {
  const next = Math.min(MOST, Math.max(leastZoom(size) * 0.95, k * factor));
  const real = next / k;
  return bounded({ k: next, x: atX - (atX - x) * real, y: atY - (atY - y) * real }, size);
}

export const pan = ({ k, x, y }: Viewport, dx: number, dy: number, size: Size): Viewport =>
  bounded({ k, x: x + dx, y: y + dy }, size);

/** The world's edge stays outside of, or as near as it can to, the screen's. */
function bounded({ k, x, y }: Viewport, { width, height }: Size): Viewport {
  return { k, x: along(x, k * WORLD.width, width), y: along(y, k * WORLD.height, height) };
}

function along(start: number, world: number, screen: number): number {
  if (world <= screen) return (screen - world) / 2;
  return Math.min(0, Math.max(screen - world, start));
}

/** Moves as little as needed for a point of the plane to be seen, with some room around. */
export function reveal(view: Viewport, middle: { x: number; y: number }, size: Size): Viewport {
  const x = view.x + view.k * middle.x;
  const y = view.y + view.k * middle.y;
  const room = 60;
  const dx = Math.max(0, room - x) + Math.min(0, size.width - room - x);
  const dy = Math.max(0, room - y) + Math.min(0, size.height - room - y);
  return pan(view, dx, dy, size);
}
