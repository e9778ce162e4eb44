/** `longshore status [RUN] [--watch]`: what waits, what runs, what failed and why. */
import type { Command } from 'commander';
import { JOB_STATES } from '../../lib/pipeline/job.ts';
import type { WaitingSet } from '../../lib/pipeline/sets.ts';
import {
  status,
  type EndedJob,
  type RunningJob,
  type Status,
  type UnreadableJob,
} from '../../lib/pipeline/status.ts';
import { openBackend } from '../backend.ts';
import { UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSeconds, formatTable, formatUsd, printable, some } from '../format.ts';
import { onInterrupt } from '../interrupt.ts';
import type { Shell } from '../main.ts';
import { withBackend, withJson, type CommonOptions } from '../options.ts';
import { watchRun } from '../run-watch.ts';
import type { Output } from '../streams.ts';

export interface StatusOptions {
  watch: boolean;
}

export function declare(program: Command, { out, exit }: Shell): void {
  const command = program.command('status').argument('[run]', 'only this run');
  withJson(withBackend(command))
    .description('Count the jobs by state, show what runs, and what failed with its reason.')
    .option('-w, --watch', 'of a run: look again and again, until it is over', false)
    .action(async (run: string | undefined, options: CommonOptions & StatusOptions) => {
      if (options.watch) return exit(await watch(run, options, out));
      const found = await status((await openBackend(options, out)).ctx, run === undefined ? {} : { run });
      out.line(options.json ? JSON.stringify(found, null, 2) : statusText(found));
    });
}

/** Returns the exit code: 130 for a look that was cut short. */
async function watch(run: string | undefined, options: CommonOptions, out: Output): Promise<number> {
  if (run === undefined) throw new UsageError('--watch needs a run: longshore status shows which there are');
  const { ctx, pollMs } = await openBackend(options, out);
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const each = Math.max(pollMs, 1000);
  const { status: found } = await watchRun(ctx, run, out, { pollMs: each, signal, quiet: options.json });
  interrupt.release();
  out.line(options.json ? JSON.stringify(found, null, 2) : statusText(found));
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}

export function statusText(found: Status): string {
  return [
    runsTable(found),
    heldText(found),
    runningTable(found.running),
    setsText(found.sets),
    failuresText(found.failures),
    unreadableText(found.unreadable),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function runsTable({ runs, jobs, run }: Status): string {
  if (runs.length === 0)
    return run === undefined
      ? 'There are no jobs yet: longshore drop, or longshore run'
      : `There is no run "${run}"`;
  const rows = runs.map(({ run: name, jobs: counts }) => [
    name,
    ...JOB_STATES.map((state) => String(counts[state])),
  ]);
  if (runs.length > 1) rows.push(['all', ...JOB_STATES.map((state) => String(jobs[state]))]);
  return formatTable(['run', ...JOB_STATES], rows, [...JOB_STATES]);
}

function heldText({ budgets }: Status): string {
  return budgets
    .filter(({ held }) => held > 0)
    .map(
      ({ run, capUsd = 0, spentUsd, underWayUsd, held }) =>
        `${run}: ${held} waiting jobs are held by its budget of ${formatUsd(capUsd)} (${formatUsd(spentUsd)} spent, ${formatUsd(underWayUsd)} under way): longshore rebuild … --max-cost  gives it more`,
    )
    .join('\n');
}

function runningTable(running: RunningJob[]): string {
  if (running.length === 0) return '';
  const rows = running.map(({ job, name, attempt, phase, size, seconds }) => [
    job,
    name,
    String(attempt),
    phase,
    `${size.vcpu} vCPU ${size.memoryMiB} MiB`,
    formatSeconds(seconds),
  ]);
  return formatTable(['running job', 'name', 'attempt', 'phase', 'size', 'for'], rows, ['attempt', 'for']);
}

function setsText(sets: WaitingSet[]): string {
  return sets
    .map(({ task, granule, parts, missing, until }) => {
      const waits = missing.length > 0 ? `missing ${some(missing)}` : 'complete, waits for more to come';
      const came = some(parts.map((key) => key.slice(key.lastIndexOf('/') + 1)));
      return `waiting for parts: ${printable(granule)}  (${task})\n  ${printable(`${waits}; has ${came}`)}; until ${until}`;
    })
    .join('\n');
}

function failuresText(failures: EndedJob[]): string {
  return failures
    .map((failure) =>
      [
        `${failure.state}: ${printable(failure.name)}  (${failure.job})`,
        `  ${printable(failure.reason ?? 'no reason was recorded')}`,
        ...(failure.receipt === undefined ? [] : [`  receipt: ${failure.receipt}`]),
        `  ${whatNow(failure)}`,
      ].join('\n'),
    )
    .join('\n');
}

const unreadableText = (unreadable: UnreadableJob[]): string =>
  unreadable.map(({ job, reason }) => `cannot be read: ${job}\n  ${reason}`).join('\n');

/** A bad input stays bad until somebody mends it; anything else may be tried again as it is. */
function whatNow({ state, cause, task, job }: EndedJob): string {
  if (cause === 'incomplete') return 'to go on: drop what is missing; what had come still counts';
  if (cause === 'unknown-task')
    return `to try again: drop it for a task that there is (longshore tasks); once there is this one: longshore retry ${job}`;
  if (cause === 'unknown-source') return `to try again, once it is there: longshore retry ${job}`;
  return state === 'quarantined'
    ? `to try again: mend the file or the parameters, then drop it again (or longshore run ${task} …); as it is: longshore retry ${job}`
    : `to try again: longshore retry ${job}; its log: longshore logs ${job}`;
}
