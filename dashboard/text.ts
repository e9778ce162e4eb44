/** Numbers and jobs as the page says them. */
import type { Forecast, JobView } from '../cli/dashboard/view.ts';
import { formatBytes, formatUsd, some } from '../cli/format.ts';
import { STATES } from './states.ts';

export { formatBytes, some };

/** `$0.0042`, `$12.30`, `$1,234`: as exact as a person needs it. */
export const usd = (value: number): string =>
  value >= 1000 ? `$${Math.round(value).toLocaleString('en')}` : value === 0 ? '$0' : formatUsd(value);

/** `42 s`, `12 min`, `3 h 05 min`, `2 d 4 h`: rounded as a person would. */
export function duration(seconds: number): string {
  if (seconds < 99.5) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `34 – 56 min`, `50 min – 1 h 10 min`; the likely one alone where both ends are said the same. */
function durations(low: number, high: number, likely: number): string {
  const [from, to] = [duration(low), duration(high)];
  if (from === to) return duration(likely);
  const [value = '', unit = '', ...more] = from.split(' ');
  return more.length === 0 && to.split(' ').length === 2 && to.endsWith(` ${unit}`)
    ? `${value} – ${to}`
    : `${from} – ${to}`;
}

/** `14:05`, and the day where it is not today. */
export function clock(at: number, now: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return date.toDateString() === new Date(now).toDateString()
    ? time
    : `${date.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })} ${time}`;
}

function clocks(from: number, to: number, now: number): string {
  const [first, last] = [clock(from, now), clock(to, now)];
  return first === last ? first : `${first} – ${last}`;
}

export const count = (value: number): string => value.toLocaleString('en');

/** `1 job`, `3 jobs`. */
export const counted = (value: number, one: string): string =>
  `${count(value)} ${one}${value === 1 ? '' : 's'}`;

/** Rounded down: 100 % is when all is done. */
export const percent = (share: number): string => `${Math.floor(share * 100)} %`;

/** What a running job does, what a waiting one waits for, why another ended so. */
export function whatNow(job: JobView, now: number): string {
  if (job.state === 'running') {
    if (job.phase === 'processing') return job.stage?.text ?? 'in its container';
    return job.phase ?? 'starting';
  }
  if (job.state === 'waiting') {
    if (!job.accepted) return 'planned';
    if (job.notBefore !== undefined && job.notBefore > now)
      return `tried again in ${duration((job.notBefore - now) / 1000)}: ${job.reason ?? ''}`;
  }
  return job.reason ?? '';
}

/** Seconds that it has been running for, or took in all; `undefined` when it never ran. */
export function tookSeconds({ state, startedAt, seconds }: JobView, now: number): number | undefined {
  if (state === 'running') return startedAt === undefined ? undefined : Math.max(0, (now - startedAt) / 1000);
  return seconds;
}

/** 0–1: by its own word, else by the time that it was expected to take; never all of it before it has ended. */
export function shareDone(job: JobView, now: number): number | undefined {
  if (job.stage?.percent !== undefined) return Math.min(1, job.stage.percent / 100);
  const took = tookSeconds(job, now);
  // Whose turn it is in a shared container, its time does not tell.
  if (took === undefined || !job.expectedSeconds || (job.launch?.jobs ?? 1) > 1) return undefined;
  return Math.min(0.97, took / job.expectedSeconds);
}

export function describe(job: JobView, now: number): string {
  const what = whatNow(job, now);
  return `${job.name}: ${STATES[job.state].label}${what === '' ? '' : `, ${what}`}`;
}

/** What the time left is, and a sentence on how sure that is. */
export function forecastText(forecast: Forecast, now: number): { main: string; note: string } {
  switch (forecast.kind) {
    case 'done':
      return { main: 'Done', note: 'nothing is left to do' };
    case 'held':
      return {
        main: 'Held by budget',
        note: `${counted(forecast.jobs, 'job')} would pass it; longshore rebuild … --max-cost  gives the run more`,
      };
    case 'idle':
      return {
        main: 'Standing still',
        note: 'jobs wait and nothing runs them; on one machine  longshore up  does',
      };
    case 'unknown': {
      const { ended, needed, planSeconds } = forecast;
      const first = `too little to tell: ${ended} of at least ${counted(needed, 'job')} published`;
      return {
        main: planSeconds === undefined ? 'Not known yet' : `About ${duration(planSeconds)}`,
        note: planSeconds === undefined ? first : `as planned; ${first}`,
      };
    }
    default: {
      const { low, high, likely, confidence, ended, ratio } = forecast;
      return {
        main: durations(low, high, likely),
        note: `until ${clocks(now + low * 1000, now + high * 1000, now)}; ${confidence} confidence, from ${counted(ended, 'job')} that took ${ratioText(ratio)}`,
      };
    }
  }
}

function ratioText(ratio: number): string {
  const off = Math.round(Math.abs(ratio - 1) * 100);
  if (off < 3) return 'as long as expected';
  if (ratio >= 2) return `${ratio.toFixed(1)} times as long as expected`;
  return `${off} % ${ratio > 1 ? 'longer' : 'less'} than expected`;
}
