/** The map as it lives on its canvas: what is seen of it, what is under the pointer, and when it is drawn again. */
import type { JobView, ViewState } from '../cli/dashboard/view.ts';
import { listenToGestures, type Gestures } from './gestures.ts';
import { fetchLand, shapeOf, type Box, type Land, type Shape } from './geometry.ts';
import { readLooks, type Looks } from './looks.ts';
import { onScreen, Painter, type Area } from './painter.ts';
import { fit, pan, reveal, zoom, type Viewport } from './viewport.ts';

/** From this zoom on the coarse coast shows its corners. */
const FINE_FROM = 4;
/** So near to a small area's middle is on it, in CSS pixels: a finger is wide. */
const NEAR = 12;

export interface MapEvents {
  /** The area under the pointer, and where in the canvas that is. */
  hover(id: string | undefined, x: number, y: number): void;
  pick(id: string): void;
}

export class MapView {
  readonly #canvas: HTMLCanvasElement;
  readonly #painter: Painter;
  readonly #events: MapEvents;
  readonly #aborted = new AbortController();
  /** Projected once, however often its job changes. */
  #shapes = new Map<string, { geometry: unknown; shape: Shape | undefined }>();
  #areas: Area[] = [];
  #hidden: ReadonlySet<ViewState> = new Set();
  #focus: string | undefined;
  #hover: string | undefined;
  #land: { detail: string; land: Land } | undefined;
  #asked = new Set<string>();
  #looks: Looks | undefined;
  #size = { width: 0, height: 0 };
  #view: Viewport = { k: 1, x: 0, y: 0 };
  /** The person has moved the map: it is not fitted any more when areas come. */
  #moved = false;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement, events: MapEvents) {
    this.#canvas = canvas;
    this.#painter = new Painter(canvas);
    this.#events = events;
    const { signal } = this.#aborted;
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(canvas);
    signal.addEventListener('abort', () => observer.disconnect());
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => this.#forgetLooks(), { signal });
    this.#listen(signal);
    void this.#fetchLand('110m');
  }

  close(): void {
    this.#aborted.abort();
    cancelAnimationFrame(this.#frame);
  }

  get areas(): readonly Area[] {
    return this.#areas;
  }

  /** The jobs that have an area, the largest area first. */
  setAreas(geometries: ReadonlyMap<string, unknown>, jobs: ReadonlyMap<string, JobView>): void {
    const shapes = new Map<string, { geometry: unknown; shape: Shape | undefined }>();
    const areas: Area[] = [];
    for (const [id, geometry] of geometries) {
      const job = jobs.get(id);
      const known = this.#shapes.get(id);
      const entry = known && known.geometry === geometry ? known : { geometry, shape: shapeOf(geometry) };
      shapes.set(id, entry);
      if (job && entry.shape) areas.push(areaOf(entry.shape, job));
    }
    areas.sort((a, b) => extent(b) - extent(a));
    const first = this.#areas.length === 0;
    this.#shapes = shapes;
    this.#areas = areas;
    this.#painter.forget();
    if (!this.#moved || first) this.showAll();
    this.redraw();
  }

  setHidden(hidden: ReadonlySet<ViewState>): void {
    this.#hidden = hidden;
    this.redraw();
  }

  setFocus(id: string | undefined): void {
    this.#focus = id;
    const area = this.#areas.find((one) => one.id === id);
    if (area) this.#view = reveal(this.#view, area.main, this.#size);
    this.redraw();
  }

  zoomBy(factor: number): void {
    const area = this.#areas.find(({ id }) => id === this.#focus);
    const { x, y } = area
      ? onScreen(area, this.#view)
      : { x: this.#size.width / 2, y: this.#size.height / 2 };
    this.#moved = true;
    this.#setView(zoom(this.#view, factor, [x, y], this.#size));
  }

  /** All areas, but for their far parts (France is in South America too); the world when there are none. */
  showAll(): void {
    this.#moved = false;
    this.#setView(fit(boxOf(this.#areas.map(({ main }) => main)), this.#size));
  }

  showWorld(): void {
    this.#moved = true;
    this.#setView(fit(undefined, this.#size));
  }

  /** The nearest area in a direction, as arrow keys go: within 60° of it, the nearer and the straighter the better. */
  neighbour(from: string | undefined, [dx, dy]: readonly [number, number]): string | undefined {
    const seen = this.#areas.filter(({ state }) => !this.#hidden.has(state));
    const start = seen.find(({ id }) => id === from);
    if (!start) return seen[0]?.id;
    const at = onScreen(start, this.#view);
    let best: { id: string; far: number } | undefined;
    for (const area of seen) {
      if (area === start) continue;
      const { x, y } = onScreen(area, this.#view);
      const distance = Math.hypot(x - at.x, y - at.y);
      const ahead = (x - at.x) * dx + (y - at.y) * dy;
      if (ahead <= 0 || ahead < distance / 2) continue;
      const far = (distance * distance) / ahead;
      if (!best || far < best.far) best = { id: area.id, far };
    }
    return best?.id;
  }

  redraw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const ratio = devicePixelRatio;
    this.#looks ??= readLooks(this.#canvas, ratio);
    const started = performance.now();
    const scene = {
      areas: this.#areas,
      land: this.#land?.land,
      hidden: this.#hidden,
      focus: this.#focus,
      hover: this.#hover,
    };
    this.#painter.draw(scene, this.#view, this.#looks, ratio);
    performance.measure('longshore:map', { start: started, end: performance.now() });
  }

  #setView(view: Viewport): void {
    this.#view = view;
    const whole = this.#size.width / 1000;
    if (whole > 0 && view.k > FINE_FROM * whole) void this.#fetchLand('50m');
    this.redraw();
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const first = this.#size.width === 0;
    this.#size = { width, height };
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    if (first || !this.#moved) this.#setView(fit(boxOf(this.#areas.map(({ main }) => main)), this.#size));
    else this.#setView(pan(this.#view, 0, 0, this.#size));
    this.#draw();
  }

  #forgetLooks(): void {
    this.#looks = undefined;
    this.redraw();
  }

  async #fetchLand(detail: '110m' | '50m'): Promise<void> {
    if (this.#asked.has(detail)) return;
    this.#asked.add(detail);
    try {
      const land = await fetchLand(detail);
      if (this.#land?.detail !== '50m') this.#land = { detail, land };
      this.redraw();
    } catch (error) {
      // The areas are what matters; the connection's own trouble is told elsewhere.
      console.warn(`The base map (${detail}) could not be had`, error);
      this.#asked.delete(detail);
    }
  }

  // --- Pointer ----------------------------------------------------------------------------------------------------

  #listen(signal: AbortSignal): void {
    const moved = (view: Viewport): void => {
      this.#moved = true;
      this.#setHover(undefined, 0, 0);
      this.#setView(view);
    };
    const gestures: Gestures = {
      pan: (dx, dy) => moved(pan(this.#view, dx, dy, this.#size)),
      zoom: (factor, at) => moved(zoom(this.#view, factor, at, this.#size)),
      point: ({ x, y }) => this.#setHover(this.#at(x, y), x, y),
      leave: () => this.#setHover(undefined, 0, 0),
      click: ({ x, y }) => {
        const id = this.#at(x, y);
        if (id !== undefined) this.#events.pick(id);
      },
    };
    listenToGestures(this.#canvas, gestures, signal);
  }

  #setHover(id: string | undefined, x: number, y: number): void {
    this.#events.hover(id, x, y);
    this.#canvas.style.cursor = id === undefined ? 'grab' : 'pointer';
    if (id === this.#hover) return;
    this.#hover = id;
    this.redraw();
  }

  /** The smallest area there; else the nearest small one. */
  #at(x: number, y: number): string | undefined {
    const { k, x: left, y: top } = this.#view;
    const [planeX, planeY] = [(x - left) / k, (y - top) / k];
    const context = this.#canvas.getContext('2d')!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    let near: { id: string; distance: number } | undefined;
    // From the smallest on.
    for (let at = this.#areas.length - 1; at >= 0; at--) {
      const area = this.#areas[at]!;
      if (this.#hidden.has(area.state)) continue;
      const place = onScreen(area, this.#view);
      const distance = Math.hypot(place.x - x, place.y - y);
      if (place.size < NEAR && distance < NEAR && (!near || distance < near.distance))
        near = { id: area.id, distance };
      if (planeX < area.left || planeX > area.right || planeY < area.top || planeY > area.bottom) continue;
      if (near) return near.id;
      if (context.isPointInPath(area.path, planeX, planeY)) return area.id;
    }
    return near?.id;
  }
}

const extent = ({ left, right, top, bottom }: Box): number => (right - left) * (bottom - top);

const areaOf = (shape: Shape, { id, name, state }: JobView): Area => ({ ...shape, id, name, state });

function boxOf(areas: readonly Box[]): Box | undefined {
  if (areas.length === 0) return undefined;
  const box = { ...areas[0]! };
  for (const { left, top, right, bottom } of areas) {
    box.left = Math.min(box.left, left);
    box.top = Math.min(box.top, top);
    box.right = Math.max(box.right, right);
    box.bottom = Math.max(box.bottom, bottom);
  }
  return box;
}
