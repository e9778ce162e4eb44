/** `longshore logs JOB|RUN [--follow]`: what the container said. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import { openBackend, type Backend } from '../backend.ts';
import { jobsOf } from '../jobs-of.ts';
import { LogTail } from '../log-tail.ts';
import { logText, parseLine } from '../log-text.ts';
import type { Shell } from '../main.ts';
import { positiveInteger, withBackend, withJson, type CommonOptions } from '../options.ts';
import type { Output } from '../streams.ts';

/** How often a followed log is looked at. */
const POLL_MS = 500;

export interface LogOptions {
  json: boolean;
  follow: boolean;
  attempt?: number;
}

export function declare(program: Command, { out }: Shell): void {
  const command = program.command('logs').argument('<job|run>', 'as status shows them');
  withJson(withBackend(command))
    .description('Print the log of a job, or of all jobs of a run.')
    .option('-f, --follow', 'go on until the job has ended', false)
    .option('--attempt <number>', 'this attempt (default: all)', positiveInteger)
    .action(async (name: string, options: CommonOptions & LogOptions) => {
      await printLogs(await openBackend(options, out), name, options, out);
    });
}

export type LogSource = Pick<Backend, 'ctx' | 'liveLog'>;

export async function printLogs(
  source: LogSource,
  name: string,
  options: LogOptions,
  out: Output,
): Promise<void> {
  const jobs = await jobsOf(source.ctx, name);
  const print = async (job: Job): Promise<void> => await printJob(source, job, jobs.length > 1, options, out);
  const followed = new Set(options.follow ? jobs.filter(({ state }) => !isTerminal(state)) : []);
  // One after another: of ten thousand jobs of a run, all logs at once would not fit into memory.
  for (const job of jobs) if (!followed.has(job)) await print(job);
  // One line is one line: these may be printed side by side.
  await Promise.all([...followed].map(print));
}

async function printJob(
  { ctx, liveLog }: LogSource,
  { id }: Job,
  several: boolean,
  options: LogOptions,
  out: Output,
): Promise<void> {
  const tails = new Map<number, LogTail>();
  for (;;) {
    // Before its log: what is written up to the end is then read after it.
    const job = await readJob(ctx, id);
    if (!job) return;
    for (const one of job.attempts) {
      const { attempt } = one;
      if (options.attempt !== undefined && attempt !== options.attempt) continue;
      // A live log needs the container's name.
      if (liveLog && one.ref === undefined && !isTerminal(job.state)) continue;
      const tail = tails.get(attempt) ?? new LogTail(ctx, job, attempt, liveLog?.(job, one));
      tails.set(attempt, tail);
      for await (const line of tail.lines()) out.line(present(line, job, attempt, several, options.json));
    }
    if (!options.follow || isTerminal(job.state)) {
      if (tails.size === 0) out.note(noLog(job));
      return;
    }
    await sleep(POLL_MS);
  }
}

function present(line: string, job: Job, attempt: number, several: boolean, json: boolean): string {
  if (json) return JSON.stringify({ job: job.id, attempt, ...(parseLine(line) ?? { message: line }) });
  return several ? `${job.name}  ${logText(line)}` : logText(line);
}

function noLog({ id, state, reason }: Job): string {
  return `${id} has no log: it is ${state}${reason === undefined ? '' : ` (${reason})`}, and no container has run`;
}
