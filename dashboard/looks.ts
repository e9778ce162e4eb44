/** Colours and patterns for the canvas, from the page's own style sheet, so that both are one. */
import { VIEW_STATES, type ViewState } from '../cli/dashboard/view.ts';
import { STATES, type Pattern } from './states.ts';

/** Side of a pattern's tile, in CSS pixels. */
const TILE = 8;

export interface Looks {
  fill: Record<ViewState, string>;
  ink: Record<ViewState, string>;
  pattern: Record<ViewState, CanvasPattern | undefined>;
  sea: string;
  land: string;
  border: string;
  outline: string;
  focus: string;
  text: string;
  halo: string;
}

const each = <T>(make: (state: ViewState) => T): Record<ViewState, T> =>
  Object.fromEntries(VIEW_STATES.map((state) => [state, make(state)])) as Record<ViewState, T>;

export function readLooks(element: Element, pixelRatio: number): Looks {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const fill = each(colour);
  const ink = each((state) => colour(`${state}-ink`));
  return {
    fill,
    ink,
    pattern: each((state) => tile(STATES[state].pattern, ink[state], pixelRatio)),
    sea: colour('sea'),
    land: colour('land'),
    border: colour('border'),
    outline: colour('outline'),
    focus: colour('focus'),
    text: colour('text'),
    halo: colour('card'),
  };
}

function tile(pattern: Pattern, ink: string, pixelRatio: number): CanvasPattern | undefined {
  if (pattern === 'plain') return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = TILE * pixelRatio;
  canvas.height = TILE * pixelRatio;
  const context = canvas.getContext('2d')!;
  context.scale(pixelRatio, pixelRatio);
  context.strokeStyle = ink;
  context.fillStyle = ink;
  context.lineWidth = 1.6;
  DRAW[pattern](context);
  return context.createPattern(canvas, 'repeat') ?? undefined;
}

/** Lines from corner to corner need a bit of the neighbouring tiles' lines in the other corners. */
const diagonal = (context: CanvasRenderingContext2D, from: number, to: number): void => {
  for (const shift of [-TILE, 0, TILE]) {
    context.moveTo(from + shift, 0);
    context.lineTo(to + shift, TILE);
  }
};

const DRAW: Record<Exclude<Pattern, 'plain'>, (context: CanvasRenderingContext2D) => void> = {
  dots(context) {
    context.arc(TILE / 2, TILE / 2, 1.1, 0, 7);
    context.fill();
  },
  rings(context) {
    context.arc(TILE / 2, TILE / 2, 2, 0, 7);
    context.lineWidth = 1.2;
    context.stroke();
  },
  stripes(context) {
    context.lineWidth = 2.2;
    diagonal(context, TILE, 0);
    context.stroke();
  },
  counter(context) {
    diagonal(context, 0, TILE);
    context.stroke();
  },
  cross(context) {
    diagonal(context, TILE, 0);
    diagonal(context, 0, TILE);
    context.stroke();
  },
  bars(context) {
    context.lineWidth = 2.2;
    context.moveTo(TILE / 2, 0);
    context.lineTo(TILE / 2, TILE);
    context.stroke();
  },
  lines(context) {
    context.lineWidth = 2.2;
    context.moveTo(0, TILE / 2);
    context.lineTo(TILE, TILE / 2);
    context.stroke();
  },
};
