/**
 * The map. The canvas is for the eye and the pointer; for keyboards and screen readers the map is a list box whose options
 * are the areas: arrow keys go to the neighbour in that direction, Enter opens its details.
 */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Card } from './bits.tsx';
import { Legend } from './legend.tsx';
import { MapView } from './map-view.ts';
import { change, current, useStore } from './store.ts';
import { counted, describe, duration, shareDone, percent, tookSeconds, whatNow } from './text.ts';
import { STATES } from './states.ts';

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Hover {
  id: string;
  x: number;
  y: number;
}

export function MapCard(): JSX.Element {
  const { summary, areas, jobs } = useStore();
  const without = jobs.size - areas.size;
  const note =
    areas.size === 0
      ? 'No job of this run has an area that is known'
      : without > 0
        ? `${counted(areas.size, 'area')}; ${counted(without, 'job')} without one, see the list`
        : counted(areas.size, 'area');
  return (
    <Card id="map" title="Map" extra={<span class="note">{note}</span>}>
      {areas.size > 0 && <MapBox />}
      {summary && <Legend summary={summary} />}
    </Card>
  );
}

function MapBox(): JSX.Element {
  const { areas, jobs, jobsVersion, areasVersion, hidden, summary } = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<MapView>(null);
  const [focus, setFocus] = useState<string>();
  const [hover, setHover] = useState<Hover>();

  useEffect(() => {
    const map = new MapView(canvas.current!, {
      hover: (id, x, y) => setHover(id === undefined ? undefined : { id, x, y }),
      pick: (id) => {
        setFocus(id);
        change({ open: id });
      },
    });
    view.current = map;
    return () => map.close();
  }, []);
  useEffect(() => view.current?.setAreas(areas, jobs), [jobsVersion, areasVersion]);
  useEffect(() => view.current?.setHidden(hidden), [hidden]);
  useEffect(() => view.current?.setFocus(focus), [focus]);

  const shown = (view.current?.areas ?? []).filter(({ state }) => !hidden.has(state));
  const at = shown.findIndex(({ id }) => id === focus);
  const job = focus === undefined ? undefined : jobs.get(focus);
  const onKeyDown = (event: KeyboardEvent): void => {
    const map = view.current;
    if (!map || !onKey(event.key, map)) return;
    event.preventDefault();
  };
  const onKey = (key: string, map: MapView): boolean => {
    const direction = ARROWS[key];
    if (direction) setFocus((from) => map.neighbour(from, direction) ?? from);
    else if (key === 'Home') setFocus(shown[0]?.id);
    else if (key === 'End') setFocus(shown.at(-1)?.id);
    else if ((key === 'Enter' || key === ' ') && focus !== undefined) change({ open: focus });
    else if (key === '+' || key === '=') map.zoomBy(1.5);
    else if (key === '-') map.zoomBy(1 / 1.5);
    else if (key === '0') map.showAll();
    else if (key === 'Escape') setFocus(undefined);
    else return false;
    return true;
  };
  const now = summary?.now ?? 0;
  return (
    <div class="map-box">
      <div
        class="map-areas"
        role="listbox"
        tabIndex={0}
        aria-label="Areas on the map"
        aria-describedby="map-keys"
        {...(job ? { 'aria-activedescendant': 'map-area' } : {})}
        onKeyDown={onKeyDown}
        onFocus={() => setFocus((id) => id ?? shown[0]?.id)}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {job ? (
          <span
            class="unseen"
            id="map-area"
            role="option"
            aria-selected="true"
            aria-posinset={at + 1}
            aria-setsize={shown.length}
          >
            {describe(job, now)}
          </span>
        ) : (
          <span class="unseen" role="option" aria-selected="false">
            {counted(shown.length, 'area')}
          </span>
        )}
      </div>
      <p id="map-keys" class="unseen">
        Arrow keys go from area to area, Enter opens details, plus and minus zoom, 0 shows all areas.
      </p>
      <div class="map-tools" role="group" aria-label="Zoom">
        <button type="button" aria-label="Zoom in" onClick={() => view.current?.zoomBy(1.6)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => view.current?.zoomBy(1 / 1.6)}>
          −
        </button>
        <button type="button" onClick={() => view.current?.showAll()}>
          All areas
        </button>
        <button type="button" onClick={() => view.current?.showWorld()}>
          World
        </button>
      </div>
      {hover && <Tip {...hover} width={canvas.current?.clientWidth ?? 0} />}
      {!hover && job && (
        <p class="map-focus" aria-hidden="true">
          {describe(job, now)}
        </p>
      )}
    </div>
  );
}

function Tip({ id, x, y, width }: Hover & { width: number }): JSX.Element | null {
  const { jobs, summary } = current();
  const job = jobs.get(id);
  if (!job || !summary) return null;
  const now = Date.now() + current().clockOffset;
  const took = tookSeconds(job, now);
  const share = job.state === 'running' ? shareDone(job, now) : undefined;
  const what = whatNow(job, now);
  return (
    <div
      class={`tip${x > width / 2 ? ' left' : ''}`}
      style={{ left: `${x}px`, top: `${y}px` }}
      aria-hidden="true"
    >
      <b>{job.name}</b>
      <span>
        {STATES[job.state].label}
        {share === undefined ? '' : `, ${percent(share)}`}
        {took === undefined ? '' : `, ${duration(took)}`}
        {job.state === 'waiting' && job.expectedSeconds ? `, will take ${duration(job.expectedSeconds)}` : ''}
      </span>
      {what !== '' && <span class="note">{what}</span>}
    </div>
  );
}
