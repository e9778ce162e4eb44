/** What pointer and wheel want of the map: one finger or the mouse pans, two fingers and the wheel zoom, a click picks. */

interface Place {
  x: number;
  y: number;
}

/** Places are in CSS pixels of the element. */
export interface Gestures {
  pan(dx: number, dy: number): void;
  zoom(factor: number, at: [number, number]): void;
  /** The pointer is there, with nothing pressed. */
  point(place: Place): void;
  leave(): void;
  click(place: Place): void;
}

/** A click of a hand that trembles is a click, up to so many CSS pixels. */
const TREMBLE = 4;

export function listenToGestures(element: HTMLElement, gestures: Gestures, signal: AbortSignal): void {
  const pressed = new Map<number, Place>();
  let dragged = 0;
  const on = <K extends keyof HTMLElementEventMap>(
    name: K,
    listener: (event: HTMLElementEventMap[K]) => void,
    options: AddEventListenerOptions = {},
  ): void => element.addEventListener(name, listener, { ...options, signal });

  on('pointerdown', (event) => {
    pressed.set(event.pointerId, placeOf(event));
    if (pressed.size === 1) dragged = 0;
    element.setPointerCapture(event.pointerId);
  });
  on('pointermove', (event) => {
    const now = placeOf(event);
    const before = pressed.get(event.pointerId);
    if (!before) return gestures.point(now);
    pressed.set(event.pointerId, now);
    dragged += Math.hypot(now.x - before.x, now.y - before.y);
    if (dragged < TREMBLE) return;
    const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(gestures, before, now, other);
    else gestures.pan(now.x - before.x, now.y - before.y);
  });
  on('pointerup', (event) => {
    const only = pressed.size === 1;
    pressed.delete(event.pointerId);
    if (only && dragged < TREMBLE) gestures.click(placeOf(event));
  });
  on('pointercancel', (event) => void pressed.delete(event.pointerId));
  on('pointerleave', () => gestures.leave());
  on('wheel', (event) => wheel(element, gestures, event), { passive: false });
}

function pinch(gestures: Gestures, before: Place, now: Place, other: Place): void {
  const apart = (place: Place): number => Math.hypot(place.x - other.x, place.y - other.y);
  gestures.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  const middle: [number, number] = [(now.x + other.x) / 2, (now.y + other.y) / 2];
  gestures.zoom(apart(now) / Math.max(1, apart(before)), middle);
}

/** The wheel scrolls the page, unless the person is busy with the map, or holds Ctrl (as a pinch on a touchpad does). */
function wheel(element: HTMLElement, gestures: Gestures, event: WheelEvent): void {
  const busy = element.parentElement?.contains(document.activeElement) ?? false;
  if (!busy && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const { x, y } = placeOf(event);
  gestures.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), [x, y]);
}

const placeOf = ({ offsetX, offsetY }: MouseEvent): Place => ({ x: offsetX, y: offsetY });
