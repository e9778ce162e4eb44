/** The line to the server: the run's changes as they come, made again when it breaks, and what the page asks for. */
import type {
  Changes,
  LogView,
  PageSettings,
  RetryOutcome,
  RunEntry,
  RunView,
  WaitingSet,
} from '../cli/dashboard/view.ts';
import { announce, announceChanges } from './announce.ts';
import { change, current, takeChanges, takeView } from './store.ts';

/** The server speaks every 10 s: a line that is silent for longer than twice that is dead, whatever the browser believes. */
const SILENCE_MS = 25_000;
const AGAIN_MS = 2000;

export const settings = JSON.parse(document.querySelector('#longshore')!.textContent) as PageSettings;

let source: EventSource | undefined;

/** Shows this run, and follows it. */
export function follow(run: string): void {
  source?.close();
  change({
    run,
    connection: 'connecting',
    summary: undefined,
    jobs: new Map(),
    areas: new Map(),
    jobsVersion: current().jobsVersion + 1,
    areasVersion: current().areasVersion + 1,
    open: undefined,
    trouble: undefined,
  });
  connect(run);
}

function connect(run: string): void {
  const events = new EventSource(`/api/runs/${encodeURIComponent(run)}/events`);
  source = events;
  const on = (name: string, use: (data: unknown) => void): void => {
    events.addEventListener(name, (event) => {
      change({ heardAt: Date.now(), connection: 'live' });
      use(JSON.parse((event as MessageEvent<string>).data));
    });
  };
  on('view', (view) => takeView(view as RunView));
  on('changes', (data) => {
    const changes = data as Changes;
    announceChanges(changes, current().jobs);
    takeChanges(changes);
  });
  on('trouble', (data) => change({ trouble: (data as { message: string }).message }));
  on('beat', () => {});
  events.addEventListener('error', () => lost(run, events));
}

/** The browser would try again by itself, but not after an answer such as 500. */
function lost(run: string, events: EventSource): void {
  events.close();
  if (source !== events) return;
  source = undefined;
  if (current().connection !== 'lost') announce('The connection to longshore is lost.');
  change({ connection: 'lost' });
  setTimeout(() => {
    if (source === undefined && current().run === run) connect(run);
  }, AGAIN_MS);
}

setInterval(() => {
  const { run, heardAt } = current();
  if (source && run !== undefined && Date.now() - heardAt > SILENCE_MS) lost(run, source);
}, 5000);

/** Throws with the server's own sentence. */
async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const answer = await fetch(path, init);
  const body = (await answer.json()) as T & { error?: string };
  if (!answer.ok) throw new Error(body.error ?? `${path} is answered with ${answer.status}`);
  return body;
}

const post = async <T>(path: string): Promise<T> =>
  await ask<T>(path, { method: 'POST', headers: { 'X-Longshore-Token': settings.token } });

export const readRuns = async (): Promise<RunEntry[]> => await ask('/api/runs');

export const readSets = async (): Promise<WaitingSet[]> => await ask('/api/sets');

export const readLog = async (job: string, attempt: number, lines: number): Promise<LogView> =>
  await ask(`/api/jobs/${encodeURIComponent(job)}/log?attempt=${attempt}&lines=${lines}`);

export const retryJob = async (job: string): Promise<RetryOutcome> =>
  await post(`/api/jobs/${encodeURIComponent(job)}/retry`);

export const retryRun = async (run: string): Promise<RetryOutcome> =>
  await post(`/api/runs/${encodeURIComponent(run)}/retry`);

export const cancelJob = async (job: string): Promise<{ state: string }> =>
  await post(`/api/jobs/${encodeURIComponent(job)}/cancel`);
