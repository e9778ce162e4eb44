/** `longshore dashboard`: the page. */
import { render, type JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { RunEntry } from '../cli/dashboard/view.ts';
import { follow, readRuns, readSets, settings } from './connection.ts';
import { Details } from './details.tsx';
import { FailuresCard } from './failures.tsx';
import { ListCard } from './list.tsx';
import { MapCard } from './map.tsx';
import { Overview } from './overview.tsx';
import { RunningCard } from './running.tsx';
import { SetsCard } from './sets.tsx';
import { change, current, useNow, useStore, type State } from './store.ts';
import { clock, count, percent } from './text.ts';

/** New runs show in the choice after this time. */
const RUNS_EVERY_MS = 30_000;
/** While there is no run at all. */
const NO_RUNS_EVERY_MS = 3000;

function Page(): JSX.Element {
  const state = useStore();
  const { summary, run } = state;
  useEffect(() => {
    document.title = summary ? `${percent(summary.progress)} · ${summary.run} · longshore` : 'longshore';
  }, [summary]);
  return (
    <>
      <SkipLinks failures={(summary?.counts.failed ?? 0) + (summary?.counts.quarantined ?? 0) > 0} />
      <Head state={state} />
      <main>
        <Troubles state={state} />
        {run === undefined && state.connection !== 'lost' && (
          <p class="card empty">
            There are no runs yet in {settings.place}: <code>longshore drop</code>, <code>longshore run</code>{' '}
            or <code>longshore rebuild</code>.
          </p>
        )}
        {run !== undefined && !summary && <p class="card empty">Reading {run}…</p>}
        {summary?.total === 0 && <p class="card empty">The run {summary.run} has no jobs yet.</p>}
        {summary && summary.total > 0 && (
          <>
            <Overview summary={summary} />
            <div class="middle">
              <MapCard key={summary.run} />
              <div class="side">
                <FailuresCard />
                <RunningCard />
              </div>
            </div>
            <ListCard key={`${summary.run} list`} />
          </>
        )}
        <SetsCard />
      </main>
      <Details />
    </>
  );
}

function SkipLinks({ failures }: { failures: boolean }): JSX.Element {
  return (
    <nav class="skip" aria-label="Skip links">
      <a href="#map">Skip to the map</a>
      <a href="#list">Skip to the list of jobs</a>
      <a href="#running">Skip to what runs</a>
      {failures && <a href="#failures">Skip to the failures</a>}
    </nav>
  );
}

function Head({ state }: { state: State }): JSX.Element {
  const { runs, run } = state;
  return (
    <header>
      <h1>
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path class="waves" d="M4 22c3 0 3 2.600 6 2.600S13 22 16 22s3 2.600 6 2.600S25 22 28 22" />
          <path class="box" d="M9 17V7h4v6.500h9V17z" />
        </svg>
        longshore
      </h1>
      {(runs.length > 0 || run !== undefined) && (
        <label class="runs">
          <span>Run</span>
          <select value={run ?? ''} onChange={(event) => choose(event.currentTarget.value)}>
            {run !== undefined && runs.every((entry) => entry.run !== run) && (
              <option value={run}>{run}</option>
            )}
            {runs.map((entry) => (
              <option key={entry.run} value={entry.run}>
                {entryText(entry)}
              </option>
            ))}
          </select>
        </label>
      )}
      <p class="where" title={settings.place}>
        {settings.backend === 'aws' ? 'AWS' : 'this machine'}
      </p>
      <ConnectionSign state={state} />
    </header>
  );
}

function entryText({ run, jobs, ended, failed, more }: RunEntry): string {
  const amount = more ? `more than ${count(jobs)} jobs` : `${count(ended)} of ${count(jobs)} ended`;
  return `${run} (${amount}${failed > 0 ? `, ${count(failed)} failed` : ''})`;
}

const CONNECTION_TEXT = { connecting: 'connecting', live: 'live', lost: 'not connected' };

function ConnectionSign({ state: { connection } }: { state: State }): JSX.Element {
  return (
    <p class={`connection ${connection}`}>
      <span aria-hidden="true" /> {CONNECTION_TEXT[connection]}
    </p>
  );
}

function Troubles({ state }: { state: State }): JSX.Element {
  const now = useNow();
  const { connection, heardAt, clockOffset, trouble, summary } = state;
  const troubles = [
    ...(trouble === undefined ? [] : [`The last look failed: ${trouble}`]),
    ...(summary?.troubles ?? []),
  ];
  return (
    <>
      {connection === 'lost' && (
        <p class="trouble" role="alert">
          The connection to longshore is lost; this is how things were at {clock(heardAt + clockOffset, now)}.
          Trying again… (is <code>longshore dashboard</code> still running?)
        </p>
      )}
      {troubles.map((text) => (
        <p key={text} class="trouble" role="alert">
          {text}
        </p>
      ))}
    </>
  );
}

function choose(run: string): void {
  const url = new URL(location.href);
  url.searchParams.set('run', run);
  history.pushState(null, '', url);
  follow(run);
}

const runInAddress = (): string | undefined => new URL(location.href).searchParams.get('run') ?? undefined;

async function lookForRuns(): Promise<void> {
  try {
    const [runs, sets] = await Promise.all([readRuns(), readSets()]);
    change({ runs, sets, ...(current().run === undefined ? { connection: 'live' } : {}) });
    const wanted = current().run ?? runInAddress() ?? settings.run ?? runs[0]?.run;
    if (current().run === undefined && wanted !== undefined) follow(wanted);
  } catch {
    if (current().run === undefined) change({ connection: 'lost', heardAt: Date.now() });
  }
  setTimeout(() => void lookForRuns(), current().run === undefined ? NO_RUNS_EVERY_MS : RUNS_EVERY_MS);
}

// Links within the page come here, too.
addEventListener('popstate', () => {
  const run = runInAddress() ?? current().runs[0]?.run;
  if (run !== undefined && run !== current().run) follow(run);
});
render(<Page />, document.querySelector('#page')!);
void lookForRuns();
