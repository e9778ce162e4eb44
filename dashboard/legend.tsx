/** What the signs, patterns and colours mean, how many jobs each has, and a switch for each. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { VIEW_STATES, type Summary, type ViewState } from '../cli/dashboard/view.ts';
import { Sign } from './bits.tsx';
import { readLooks } from './looks.ts';
import { STATES } from './states.ts';
import { change, useStore } from './store.ts';
import { count } from './text.ts';

/** Usual states are there from the start; the others once there is one. */
const ALWAYS = new Set<ViewState>(['waiting', 'running', 'published', 'failed']);

export function Legend({ summary }: { summary: Summary }): JSX.Element {
  const { hidden } = useStore();
  const shown = VIEW_STATES.filter((state) => ALWAYS.has(state) || summary.counts[state] > 0);
  const toggle = (state: ViewState): void => {
    const next = new Set(hidden);
    if (!next.delete(state)) next.add(state);
    change({ hidden: next });
  };
  return (
    <div class="legend" role="group" aria-label="States shown">
      {shown.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={!hidden.has(state)}
          title={`${STATES[state].label}: ${STATES[state].about}`}
          onClick={() => toggle(state)}
        >
          <Swatch state={state} />
          <Sign state={state} />
          <span>{STATES[state].label}</span>
          <b>{count(summary.counts[state])}</b>
        </button>
      ))}
    </div>
  );
}

/** A piece of the map's own pattern. */
function Swatch({ state }: { state: ViewState }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const draw = (): void => {
      const { current } = canvas;
      const context = current?.getContext('2d');
      if (!current || !context) return;
      const { fill, pattern } = readLooks(current, 1);
      context.fillStyle = fill[state];
      context.fillRect(0, 0, current.width, current.height);
      context.fillStyle = pattern[state] ?? fill[state];
      context.fillRect(0, 0, current.width, current.height);
    };
    draw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => dark.removeEventListener('change', draw);
  }, [state]);
  return <canvas ref={canvas} class="swatch" width={24} height={16} aria-hidden="true" />;
}
