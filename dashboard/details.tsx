/** All about one job, over the page: Escape closes it, and the focus goes back to where it was. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobView } from '../cli/dashboard/view.ts';
import { Action, Meter, retryText, StateWord } from './bits.tsx';
import { cancelJob, retryJob } from './connection.ts';
import { Log } from './log.tsx';
import { change, useNow, useStore } from './store.ts';
import { clock, duration, formatBytes, shareDone, tookSeconds, usd, whatNow } from './text.ts';

const LOG_LINES = 200;
const LOG_EVERY_MS = 2000;

const close = (): void => change({ open: undefined });

export function Details(): JSX.Element {
  const { open, jobs } = useStore();
  const dialog = useRef<HTMLDialogElement>(null);
  const job = open === undefined ? undefined : jobs.get(open);
  useEffect(() => {
    const { current } = dialog;
    if (job && !current?.open) current?.showModal();
    if (!job && current?.open) current.close();
  }, [job === undefined]);
  return (
    <dialog
      ref={dialog}
      class="details"
      tabIndex={-1}
      aria-labelledby="details-title"
      onClose={close}
      // Beside the panel is the dialog itself: whoever clicks there wants it gone.
      onClick={(event) => event.target === dialog.current && close()}
    >
      {job && <Body key={job.id} job={job} />}
    </dialog>
  );
}

function Body({ job }: { job: JobView }): JSX.Element {
  const now = useNow();
  const { id, name, state, attempts = 0 } = job;
  const running = state === 'running';
  const [attempt, setAttempt] = useState<number>();
  const [said, say] = useState('');
  const shown = attempt ?? attempts;
  const what = whatNow(job, now);
  const ended = state === 'failed' || state === 'quarantined' || state === 'cancelled';
  return (
    <div class="panel">
      <div class="card-head">
        <h2 id="details-title">{name}</h2>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </div>
      <p>
        <StateWord state={state} />
      </p>
      {what !== '' && <p class="reason">{what}</p>}
      {running && <Meter share={shareDone(job, now)} label={`Progress of ${name}`} />}
      <p class="actions">
        {ended && (
          <Action
            key="retry"
            tell={say}
            name={`Retry ${name}`}
            run={async () => retryText(await retryJob(id))}
          >
            Retry
          </Action>
        )}
        {job.accepted && (running || state === 'waiting' || state === 'held') && (
          <Action
            tell={say}
            quiet
            name={`Cancel ${name}`}
            run={async () => cancelText((await cancelJob(id)).state)}
          >
            Cancel
          </Action>
        )}
        {said !== '' && <span class="said">{said}</span>}
      </p>
      <Facts job={job} now={now} />
      {attempts > 0 && (
        <>
          <div class="card-head">
            <h3>Log</h3>
            {attempts > 1 && <AttemptChoice attempts={attempts} shown={shown} choose={setAttempt} />}
          </div>
          <Log job={id} attempt={shown} lines={LOG_LINES} {...(running ? { everyMs: LOG_EVERY_MS } : {})} />
        </>
      )}
    </div>
  );
}

const cancelText = (state: string): string =>
  state === 'cancelled'
    ? 'Cancelled'
    : state === 'running'
      ? 'It is being stopped'
      : `It is ${state} already`;

function AttemptChoice({
  attempts,
  shown,
  choose,
}: {
  attempts: number;
  shown: number;
  choose: (attempt: number) => void;
}): JSX.Element {
  return (
    <label>
      of attempt{' '}
      <select value={shown} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {Array.from({ length: attempts }, (_, at) => (
          <option key={at} value={at + 1}>
            {at + 1}
          </option>
        ))}
      </select>
    </label>
  );
}

function Facts({ job, now }: { job: JobView; now: number }): JSX.Element {
  return (
    <dl class="facts">
      {factsOf(job, now).map(([title, fact]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

function factsOf(job: JobView, now: number): [string, string][] {
  const { size, attempts, startedAt, endedAt, expectedSeconds, bytes, spot, peakMemoryBytes } = job;
  const facts: [string, string | undefined][] = [
    ['Job', job.id],
    ['Task', job.task],
    ['Input', bytes === undefined ? undefined : formatBytes(bytes)],
    ['Attempts', attempts === undefined ? undefined : String(attempts)],
    [
      'Size',
      size && size.vcpu > 0
        ? `${size.vcpu} vCPU, ${formatBytes(size.memoryMiB * 1024 ** 2)}${spot ? ', Spot' : ''}`
        : undefined,
    ],
    ['Container', job.launch && `shared by ${job.launch.jobs} jobs, one after the other`],
    ['Memory now', job.memoryBytes === undefined ? undefined : formatBytes(job.memoryBytes)],
    ['Peak memory', peakMemoryBytes === undefined ? undefined : formatBytes(peakMemoryBytes)],
    ['Started', startedAt === undefined ? undefined : clock(startedAt, now)],
    ['Ended', endedAt === undefined ? undefined : clock(endedAt, now)],
    ['Took', mapped(tookSeconds(job, now), duration)],
    ['Expected', mapped(expectedSeconds, duration)],
    ['Cost', mapped(job.costUsd, usd)],
    ['Planned cost', mapped(job.plannedUsd, usd)],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

const mapped = (value: number | undefined, text: (value: number) => string): string | undefined =>
  value === undefined ? undefined : text(value);
