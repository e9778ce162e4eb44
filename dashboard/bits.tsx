/** Small parts that many places use. */
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RetryOutcome, ViewState } from '../cli/dashboard/view.ts';
import { announce } from './announce.ts';
import { change } from './store.ts';
import { STATES } from './states.ts';
import { counted } from './text.ts';

/** The state's sign in its colour. Its word stands beside it, or is said by `label`. */
export function Sign({ state, label }: { state: ViewState; label?: string }): JSX.Element {
  return (
    <svg
      class={`sign of-${state}`}
      viewBox="0 0 16 16"
      {...(label === undefined ? { 'aria-hidden': 'true' } : { role: 'img', 'aria-label': label })}
    >
      <circle cx="8" cy="8" r="8" />
      <path d={STATES[state].sign} />
    </svg>
  );
}

export function StateWord({ state }: { state: ViewState }): JSX.Element {
  return (
    <span class="state">
      <Sign state={state} />
      {STATES[state].label}
    </span>
  );
}

/** A bar that is a sentence for those who do not see it. `share` is 0–1; without it nothing is known. */
export function Meter({
  share,
  label,
  kind = 'work',
}: {
  share: number | undefined;
  label: string;
  kind?: string;
}): JSX.Element {
  const now = share === undefined ? undefined : Math.floor(share * 100);
  return (
    <div
      class={`meter ${kind}${now === undefined ? ' unknown' : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(now === undefined ? {} : { 'aria-valuenow': now })}
    >
      <div style={{ width: `${now ?? 0}%` }} />
    </div>
  );
}

export function Card({
  id,
  title,
  extra,
  children,
}: {
  id: string;
  title: string;
  extra?: ComponentChildren;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <section class={`card ${id}`} id={id} aria-labelledby={`${id}-title`} tabIndex={-1}>
      <div class="card-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {extra}
      </div>
      {children}
    </section>
  );
}

/** Asks the server for something, once at a time; what it says, or why not, is said here and aloud. */
export function Action({
  children,
  name,
  run,
  quiet = false,
  tell,
}: {
  children: ComponentChildren;
  /** What it does, in full: `Retry europe/malta`. */
  name: string;
  run: () => Promise<string>;
  quiet?: boolean;
  /** Shows what came of it, where the button itself goes away with it; else it stands beside the button. */
  tell?: (said: string) => void;
}): JSX.Element {
  const [said, setSaid] = useState('');
  const say = tell ?? setSaid;
  const [busy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  // Of a layout effect: others are cleaned up when the button has left the page already.
  useLayoutEffect(() => {
    const { current } = button;
    return () => keepFocus(current);
  }, []);
  const act = async (): Promise<void> => {
    setBusy(true);
    try {
      const outcome = await run();
      say(outcome);
      announce(outcome);
    } catch (error) {
      const { message } = error as Error;
      say(message);
      announce(message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="action">
      <button
        ref={button}
        type="button"
        class={quiet ? 'quiet' : 'strong'}
        aria-label={name}
        // Not disabled: that would take the focus away from whoever pressed it by keyboard.
        aria-disabled={busy}
        onClick={(event) => {
          event.stopPropagation();
          if (!busy) void act();
        }}
      >
        {busy ? '…' : children}
      </button>
      {said !== '' && <span class="said">{said}</span>}
    </span>
  );
}

/** A button that goes away with what it did leaves the focus to what it was in, not to the top of the page. */
function keepFocus(button: HTMLButtonElement | null): void {
  if (!button || document.activeElement !== button) return;
  const around = button.closest<HTMLElement>('dialog, section');
  setTimeout(() => {
    if (document.activeElement !== document.body) return;
    (around?.isConnected ? around : document.querySelector<HTMLElement>('#map'))?.focus();
  });
}

export function retryText({ retried, refused }: RetryOutcome): string {
  const parts = [`${counted(retried.length, 'job')} ${retried.length === 1 ? 'waits' : 'wait'} again`];
  if (refused.length > 0)
    parts.push(`${counted(refused.length, 'job')} not retried: ${refused[0]?.reason ?? ''}`);
  return retried.length === 0 && refused.length > 0 ? parts.slice(1).join('') : parts.join('; ');
}

/** Opens a job's details. */
export function JobButton({ id, children }: { id: string; children: ComponentChildren }): JSX.Element {
  return (
    <button type="button" class="job-name" aria-haspopup="dialog" onClick={() => change({ open: id })}>
      {children}
    </button>
  );
}
