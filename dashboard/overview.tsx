/** The run in four figures: progress, time left, cost, what runs. */
import type { ComponentChildren, JSX } from 'preact';
import { VIEW_STATES, type Summary } from '../cli/dashboard/view.ts';
import { STATES } from './states.ts';
import { useNow } from './store.ts';
import { clock, count, counted, duration, forecastText, percent, usd } from './text.ts';

export function Overview({ summary }: { summary: Summary }): JSX.Element {
  return (
    <section class="overview" aria-label="Overview">
      <Progress summary={summary} />
      <TimeLeft summary={summary} />
      <Cost summary={summary} />
      <Slots summary={summary} />
    </section>
  );
}

function Figure({
  title,
  main,
  note,
  children,
}: {
  title: string;
  main: string;
  note: string;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="card figure">
      <h2>{title}</h2>
      <p class="main">{main}</p>
      {children}
      <p class="note">{note}</p>
    </div>
  );
}

function Progress({ summary }: { summary: Summary }): JSX.Element {
  const { counts, total, progress, unread } = summary;
  const done = counts.published + counts.fresh;
  const reading = unread > 0 ? `; ${counted(unread, 'record')} still to be read` : '';
  return (
    <Figure
      title="Progress"
      main={percent(progress)}
      note={`${count(done)} of ${counted(total, 'job')} published${reading}`}
    >
      <div class="share" aria-hidden="true">
        {VIEW_STATES.toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).map(
          (state) =>
            counts[state] > 0 && (
              <div
                key={state}
                class={`of-${state}`}
                title={`${STATES[state].label}: ${counts[state]}`}
                style={{ flexGrow: counts[state] }}
              />
            ),
        )}
      </div>
    </Figure>
  );
}

/** What is done first, what is to come last. */
const ORDER = ['published', 'fresh', 'running', 'failed', 'quarantined', 'cancelled', 'held', 'waiting'];

function TimeLeft({ summary }: { summary: Summary }): JSX.Element {
  const now = useNow();
  const { forecast, startedAt, endedAt } = summary;
  if (forecast.kind === 'done' && startedAt !== undefined && endedAt !== undefined)
    return (
      <Figure
        title="Time"
        main={`Done in ${duration((endedAt - startedAt) / 1000)}`}
        note={`from ${clock(startedAt, now)} to ${clock(endedAt, now)}`}
      />
    );
  const { main, note } = forecastText(forecast, summary.now);
  const since = startedAt === undefined ? '' : `; running since ${clock(startedAt, now)}`;
  return <Figure title="Time left" main={main} note={note + (forecast.kind === 'range' ? '' : since)} />;
}

function Cost({ summary }: { summary: Summary }): JSX.Element {
  const { usd: sofar, spotUsd, planned, plannedEndedUsd, endedUsd, maxUsd } = summary.cost;
  const onSpot = spotUsd > 0 ? ` (${usd(spotUsd)} on Spot)` : '';
  if (!planned)
    return (
      <Figure
        title="Cost so far"
        main={usd(sofar)}
        note={`on Fargate, or what it would be there${onSpot}; the run has no plan`}
      />
    );
  const off =
    plannedEndedUsd && endedUsd > 0 ? `; what has ended cost ${versus(endedUsd / plannedEndedUsd)}` : '';
  const limit = maxUsd === undefined ? '' : `; limit ${usd(maxUsd)}`;
  return (
    <Figure
      title="Cost so far"
      main={`${usd(sofar)} of ${usd(planned.asPlanned)}`}
      note={`planned: ${usd(planned.onDemand)} on demand, ${usd(planned.spot)} on Spot${off}${limit}`}
    >
      <div class="meter cost" aria-hidden="true">
        <div style={{ width: `${Math.min(100, (100 * sofar) / Math.max(planned.asPlanned, 1e-9))}%` }} />
      </div>
    </Figure>
  );
}

function versus(ratio: number): string {
  const off = Math.round(Math.abs(ratio - 1) * 100);
  if (off < 1) return 'as planned';
  return `${off} % ${ratio > 1 ? 'more' : 'less'} than planned`;
}

function Slots({ summary }: { summary: Summary }): JSX.Element {
  const { counts, containers, maxTasks } = summary;
  const bad = counts.failed + counts.quarantined;
  const waiting = counts.waiting + counts.held;
  return (
    <Figure
      title="Running"
      main={counted(counts.running, 'job')}
      note={[
        `${count(containers)} of at most ${counted(maxTasks, 'container')}`,
        waiting === 0 ? 'nothing waits' : counted(waiting, 'job') + (waiting === 1 ? ' waits' : ' wait'),
        bad === 0 ? 'nothing failed' : `${count(bad)} failed or quarantined`,
      ].join('; ')}
    />
  );
}
