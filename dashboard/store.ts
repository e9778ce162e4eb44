/** What the page knows: the run as the server tells it, and what the person has chosen. Components draw from it. */
import { useEffect, useState } from 'preact/hooks';
import type {
  Changes,
  JobView,
  RunEntry,
  RunView,
  Summary,
  ViewState,
  WaitingSet,
} from '../cli/dashboard/view.ts';

export type Connection = 'connecting' | 'live' | 'lost';

export interface State {
  runs: RunEntry[];
  /** Granules that wait for files. */
  sets: WaitingSet[];
  run: string | undefined;
  connection: Connection;
  /** Milliseconds since the epoch, this browser's clock: the last word from the server. */
  heardAt: number;
  /** Server's clock minus ours, in milliseconds. */
  clockOffset: number;
  summary: Summary | undefined;
  jobs: Map<string, JobView>;
  /** Job → GeoJSON geometry. */
  areas: Map<string, unknown>;
  /** Counts up whenever `jobs` or `areas` change: they are changed in place, for 10,000 of them are many to copy. */
  jobsVersion: number;
  areasVersion: number;
  /** States that the person has switched off in legend, map and list. */
  hidden: ReadonlySet<ViewState>;
  /** The job whose details are open. */
  open: string | undefined;
  /** What the server could not do, as sentences. */
  trouble: string | undefined;
}

const state: State = {
  runs: [],
  sets: [],
  run: undefined,
  connection: 'connecting',
  heardAt: Date.now(),
  clockOffset: 0,
  summary: undefined,
  jobs: new Map(),
  areas: new Map(),
  jobsVersion: 0,
  areasVersion: 0,
  hidden: new Set(),
  open: undefined,
  trouble: undefined,
};

const listeners = new Set<() => void>();
let drawing = false;

/** Changes the state; whoever uses it is drawn once for all changes of one frame. */
export function change(changed: Partial<State>): void {
  Object.assign(state, changed);
  if (drawing) return;
  drawing = true;
  // Not requestAnimationFrame: a page in the background should still have its title right.
  setTimeout(() => {
    drawing = false;
    for (const listener of listeners) listener();
  }, 16);
}

export const current = (): Readonly<State> => state;

/** The state, now and whenever it changes. */
export function useStore(): Readonly<State> {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = (): void => redraw((count) => count + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return state;
}

/** Milliseconds since the epoch by the server's clock, again each second. */
export function useNow(): number {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return Date.now() + state.clockOffset;
}

export function takeView({ summary, jobs, areas }: RunView): void {
  state.jobs = new Map(jobs.map((job) => [job.id, job]));
  state.areas = new Map(areas.map(({ job, geometry }) => [job, geometry]));
  heard(summary, { areas: true });
}

export function takeChanges({ summary, jobs, gone, areas }: Changes): void {
  for (const id of gone) {
    state.jobs.delete(id);
    state.areas.delete(id);
  }
  for (const job of jobs) state.jobs.set(job.id, job);
  for (const { job, geometry } of areas) state.areas.set(job, geometry);
  heard(summary, { jobs: jobs.length + gone.length > 0, areas: areas.length + gone.length > 0 });
}

function heard(summary: Summary, { jobs = true, areas }: { jobs?: boolean; areas: boolean }): void {
  const heardAt = Date.now();
  change({
    summary,
    heardAt,
    clockOffset: summary.now - heardAt,
    connection: 'live',
    trouble: undefined,
    jobsVersion: state.jobsVersion + (jobs ? 1 : 0),
    areasVersion: state.areasVersion + (areas ? 1 : 0),
  });
}
