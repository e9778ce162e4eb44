/**
 * Draws the map on a canvas. Areas of one state are one path, so 10,000 of them take some ten fills and not 10,000; the large
 * ones are drawn first, so that an area within another is seen.
 */
import { VIEW_STATES, type ViewState } from '../cli/dashboard/view.ts';
import { globe, type Box, type Land, type Shape } from './geometry.ts';
import type { Looks } from './looks.ts';
import { STATES } from './states.ts';
import type { Viewport } from './viewport.ts';

export interface Area extends Shape {
  id: string;
  name: string;
  state: ViewState;
}

/** One path of areas of about one size and of one state. */
interface Layer {
  state: ViewState;
  /** Powers of four of the box's area: areas within others are in a class below. */
  size: number;
  path: Path2D;
}

export interface Scene {
  areas: Area[];
  land: Land | undefined;
  hidden: ReadonlySet<ViewState>;
  focus: string | undefined;
  hover: string | undefined;
}

/** Below this on the screen, in CSS pixels, an area is shown by a sign in its place. */
const SMALL = 9;
/** From this on, it has its sign drawn on it. */
const LARGE = 30;
/** So few small areas that each has its name beside it. */
const NAMED = 40;
/** More signs than this only cover each other: dots then. */
const MOST_SIGNS = 500;

const sphere = globe();
const signs = Object.fromEntries(
  VIEW_STATES.map((state) => [state, new Path2D(STATES[state].sign)]),
) as Record<ViewState, Path2D>;

export class Painter {
  readonly #context: CanvasRenderingContext2D;
  #layers: Layer[] = [];
  #layersOf: readonly Area[] | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext('2d')!;
  }

  /** Areas or their states have changed. */
  forget(): void {
    this.#layersOf = undefined;
  }

  draw(scene: Scene, view: Viewport, looks: Looks, pixelRatio: number): void {
    const context = this.#context;
    const { canvas } = context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const k = view.k * pixelRatio;
    context.setTransform(k, 0, 0, k, view.x * pixelRatio, view.y * pixelRatio);
    context.lineJoin = 'round';
    this.#drawWorld(scene, view, looks);
    this.#drawAreas(scene, view, looks, pixelRatio);
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    this.#drawSigns(scene, view, looks);
    this.#drawFocus(scene, view, looks, pixelRatio);
  }

  #drawWorld({ land }: Scene, { k }: Viewport, looks: Looks): void {
    const context = this.#context;
    context.fillStyle = looks.sea;
    context.fill(sphere);
    if (!land) return;
    context.fillStyle = looks.land;
    context.fill(land.land);
    context.strokeStyle = looks.border;
    context.lineWidth = 0.7 / k;
    context.stroke(land.borders);
  }

  #drawAreas({ areas, hidden }: Scene, { k }: Viewport, looks: Looks, pixelRatio: number): void {
    const context = this.#context;
    if (this.#layersOf !== areas) this.#layers = layersOf(areas);
    this.#layersOf = areas;
    // Patterns stay as large as they are, however far the map is zoomed.
    const upright = new DOMMatrix().scale(1 / (k * pixelRatio));
    for (const { state, path } of this.#layers) {
      if (hidden.has(state)) continue;
      context.fillStyle = looks.fill[state];
      context.globalAlpha = 0.88;
      context.fill(path);
      const pattern = looks.pattern[state];
      if (pattern) {
        pattern.setTransform(upright);
        context.fillStyle = pattern;
        context.fill(path);
      }
      context.globalAlpha = 1;
      context.strokeStyle = looks.outline;
      context.lineWidth = 0.8 / k;
      context.stroke(path);
    }
  }

  // --- Signs and names, in CSS pixels ---------------------------------------------------------------------------------

  #drawSigns({ areas, hidden }: Scene, view: Viewport, looks: Looks): void {
    const { width, height } = this.#context.canvas;
    const seen = areas
      .filter(({ state }) => !hidden.has(state))
      .map((area) => ({ area, ...onScreen(area, view) }));
    const inside = seen.filter(({ x, y }) => x > -20 && y > -20 && x < width + 20 && y < height + 20);
    const small = inside.filter(({ size }) => size < SMALL);
    const large = inside.filter(({ size }) => size >= LARGE);
    this.#drawSmall(small, looks);
    if (large.length > MOST_SIGNS) return;
    for (const { area, x, y, size } of large) this.#drawSign(area.state, x, y, radiusOf(size), looks);
    // Names keep clear of signs and of each other; the larger areas have the first choice.
    const told = small.filter(({ area }) => area.state !== 'waiting');
    const taken = [...told, ...large].map(around);
    for (const { area, x, y, size, wide } of large)
      this.#drawName(area.name, x, y + radiusOf(size) + 10, wide, taken, looks);
    if (small.length > NAMED) return;
    for (const { area, x, y } of small) this.#drawName(area.name, x, y + 16, Infinity, taken, looks);
  }

  /** What has not begun is the background for what has; of very many, what is well is the background for what is not. */
  #drawSmall(places: { area: Area; x: number; y: number }[], looks: Looks): void {
    const dull: ViewState[] =
      places.length > MOST_SIGNS ? ['waiting', 'held', 'published', 'fresh'] : ['waiting'];
    const isDull = ({ area }: { area: Area }): boolean => dull.includes(area.state);
    const bright = places.filter((place) => !isDull(place));
    this.#drawDots(bright.length > MOST_SIGNS ? places : places.filter(isDull), looks);
    const told = bright.length > MOST_SIGNS ? [] : bright;
    const radius = this.#context.canvas.clientWidth < 500 ? 4.5 : 6;
    for (const { area, x, y } of told) this.#drawSign(area.state, x, y, radius, looks);
  }

  #drawDots(places: { area: Area; x: number; y: number }[], looks: Looks): void {
    const context = this.#context;
    for (const state of VIEW_STATES) {
      context.beginPath();
      for (const { area, x, y } of places) {
        if (area.state !== state) continue;
        context.moveTo(x + 3, y);
        context.arc(x, y, 3, 0, 7);
      }
      context.fillStyle = looks.fill[state];
      context.fill();
      context.lineWidth = 1;
      context.strokeStyle = looks.halo;
      context.stroke();
    }
  }

  #drawSign(state: ViewState, x: number, y: number, radius: number, looks: Looks): void {
    const context = this.#context;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = looks.fill[state];
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = looks.halo;
    context.stroke();
    context.save();
    context.translate(x, y);
    context.scale(radius / 8, radius / 8);
    context.translate(-8, -8);
    context.lineWidth = 2;
    context.lineCap = 'round';
    context.strokeStyle = looks.ink[state];
    context.stroke(signs[state]);
    context.restore();
  }

  /** Where there is room for it: on its area, and beside the names that are there. */
  #drawName(name: string, x: number, y: number, wide: number, taken: Box[], looks: Looks): void {
    const context = this.#context;
    const text = name.slice(name.lastIndexOf('/') + 1);
    context.font = '600 11px system-ui, sans-serif';
    const { width } = context.measureText(text);
    const box = { left: x - width / 2 - 4, right: x + width / 2 + 4, top: y - 8, bottom: y + 8 };
    if (width > wide + 12 || taken.some((other) => overlap(box, other))) return;
    taken.push(box);
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.lineWidth = 3;
    context.strokeStyle = looks.halo;
    context.strokeText(text, x, y);
    context.fillStyle = looks.text;
    context.fillText(text, x, y);
  }

  /** The area under the pointer, and the one that the keyboard is at: a line around it, inside and out, on any colour. */
  #drawFocus({ areas, focus, hover }: Scene, view: Viewport, looks: Looks, pixelRatio: number): void {
    for (const area of areas) {
      if (area.id !== focus && area.id !== hover) continue;
      this.#outline(area, view, looks.halo, 5, pixelRatio);
      this.#outline(area, view, looks.focus, area.id === focus ? 3 : 2, pixelRatio);
    }
  }

  #outline(area: Area, view: Viewport, colour: string, width: number, pixelRatio: number): void {
    const context = this.#context;
    const { x, y, size } = onScreen(area, view);
    context.strokeStyle = colour;
    context.lineWidth = width;
    if (size < SMALL) {
      context.beginPath();
      context.arc(x, y, 10, 0, 7);
      context.stroke();
      return;
    }
    context.save();
    const k = view.k * pixelRatio;
    context.setTransform(k, 0, 0, k, view.x * pixelRatio, view.y * pixelRatio);
    context.lineWidth = width / view.k;
    context.stroke(area.path);
    context.restore();
  }
}

/** Of the sign on an area that is so large. */
const radiusOf = (size: number): number => Math.min(9, size / 7);

const around = ({ x, y, size }: { x: number; y: number; size: number }): Box => {
  const radius = size < SMALL ? 4 : radiusOf(size);
  return { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius };
};

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function layersOf(areas: Area[]): Layer[] {
  const layers = new Map<string, Layer>();
  for (const { state, path, left, right, top, bottom } of areas) {
    const size = Math.round(Math.log2(Math.max((right - left) * (bottom - top), 1e-6)) / 2);
    const key = `${size} ${state}`;
    const layer = layers.get(key) ?? { state, size, path: new Path2D() };
    layers.set(key, layer);
    layer.path.addPath(path);
  }
  return [...layers.values()].sort((a, b) => b.size - a.size);
}

/** Its middle, and how large and how wide its largest part is, in CSS pixels. */
export function onScreen(
  { main }: Pick<Shape, 'main'>,
  { k, x, y }: Viewport,
): { x: number; y: number; size: number; wide: number } {
  const [width, height] = [main.right - main.left, main.bottom - main.top];
  return {
    x: x + k * main.x,
    y: y + k * main.y,
    size: k * Math.max(Math.min(width, height), Math.max(width, height) / 4),
    wide: k * width,
  };
}
