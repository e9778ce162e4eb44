/** How far a run is, as a person reads it: a few live lines, or one line now and then. */
import { JOB_STATES, isTerminal } from '../lib/pipeline/job.ts';
import type { EndedJob, RunningJob, Status } from '../lib/pipeline/status.ts';
import { heldOf } from '../lib/pipeline/set-budget.ts';
import type { Progress } from '../lib/rebuild/progress.ts';
import { formatSeconds, formatTable, formatUsd } from './format.ts';

const BAR_CELLS = 24;
const MOST_RUNNING = 12;
const MOST_FAILURES = 4;

export function progressText(progress: Progress): string {
  return [
    `${progress.run}  ${bar(progress.status)}  ${progressLine(progress)}`,
    budgetText(progress.status),
    runningTable(progress),
    failuresText(progress.status.failures),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** `spent $1.20 of $5.00, $0.30 under way; 12 jobs are held by the budget`. */
export function budgetText({ budgets: [budget] }: Status): string {
  if (!budget) return '';
  const { capUsd, spentUsd, underWayUsd, held } = budget;
  return [
    `spent ${formatUsd(spentUsd)}${capUsd === undefined ? '' : ` of ${formatUsd(capUsd)}`}`,
    ...(underWayUsd > 0 ? [`, ${formatUsd(underWayUsd)} under way`] : []),
    ...(held > 0 ? [`; ${held} waiting jobs are held by the budget`] : []),
  ].join('');
}

/** `12 waiting, 4 running, 14 published, about 3 h 20 min left`. What only a higher budget would start takes no time. */
export function progressLine({ status: { jobs, budgets }, leftSeconds }: Progress): string {
  const counts = JOB_STATES.filter((state) => jobs[state] > 0).map((state) => `${jobs[state]} ${state}`);
  const left = jobs.waiting - heldOf(budgets) + jobs.running > 0 && leftSeconds !== undefined;
  return [...counts, ...(left ? [`about ${formatSeconds(leftSeconds)} left`] : [])].join(', ');
}

const endedOf = ({ jobs }: Status): number =>
  JOB_STATES.filter(isTerminal).reduce((sum, state) => sum + jobs[state], 0);

function bar(found: Status): string {
  const all = JOB_STATES.reduce((sum, state) => sum + found.jobs[state], 0);
  const full = all === 0 ? 0 : Math.floor((BAR_CELLS * endedOf(found)) / all);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${endedOf(found)}/${all}`;
}

function runningTable({ status: { running }, plan }: Progress): string {
  if (running.length === 0) return '';
  const expected = new Map(plan?.jobs.map((job) => [`${job.task} ${job.name}`, job.expectedSeconds]));
  const row = ({ task, name, attempt, phase, seconds, size }: RunningJob): string[] => {
    const of = expected.get(`${task} ${name}`);
    const time = formatSeconds(seconds) + (of === undefined ? '' : ` of about ${formatSeconds(of)}`);
    return [`  ${name}`, attempt > 1 ? `${phase}, attempt ${attempt}` : phase, time, `${size.memoryMiB} MiB`];
  };
  const longest = running.toSorted((a, b) => b.seconds - a.seconds);
  const more = running.length - MOST_RUNNING;
  const table = formatTable(['  running', '', 'for', 'memory'], longest.slice(0, MOST_RUNNING).map(row));
  return more > 0 ? `${table}\n  and ${more} more` : table;
}

function failuresText(failures: EndedJob[]): string {
  const shown = failures
    .slice(0, MOST_FAILURES)
    .map(({ state, name, reason }) => `  ${state}: ${name}: ${reason ?? 'no reason was recorded'}`);
  const more = failures.length - MOST_FAILURES;
  return [...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}
