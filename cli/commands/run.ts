/** `longshore run TASK [FILE]`, `longshore run --manifest FILE`: starts jobs by hand and waits for their end. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { Option, type Command } from 'commander';
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import { RUN_INPUTS, type JobMessage } from '../../lib/pipeline/messages.ts';
import { newRun, timeSequence } from '../../lib/pipeline/names.ts';
import { status } from '../../lib/pipeline/status.ts';
import type { ManifestParts } from '../../lib/local/manifests.ts';
import { timedRun } from '../../lib/rebuild/run-name.ts';
import { acceptAll } from '../../lib/rebuild/start.ts';
import { openBackend, type Backend } from '../backend.ts';
import { UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes, formatSeconds, formatUsd } from '../format.ts';
import { onInterrupt, type Interrupt } from '../interrupt.ts';
import { JobWatch } from '../job-watch.ts';
import type { Shell } from '../main.ts';
import { openManifest } from '../manifest.ts';
import { repeated, withBackend, withJson, type CommonOptions } from '../options.ts';
import { readSet, runName } from '../run-options.ts';
import { resultOf, type RunResult } from '../run-result.ts';
import { countsText } from '../running-watch.ts';
import type { Output } from '../streams.ts';
import { findTask, readTasks, type Tasks } from '../tasks-folder.ts';
import { waitForJobs } from '../wait.ts';
import { cancelJobs } from './cancel.ts';
import { checkFiles, copyIn } from './drop.ts';

/** Sources that are asked about at once: mirrors are run by volunteers. */
const LOOKS_AT_ONCE = 4;
/** Results read at once. */
const READS_AT_ONCE = 8;

export interface RunOptions {
  set: string[];
  manifest?: string;
  run?: string;
  wait: boolean;
}

/** What is to be run, before anything is written. */
export interface Request {
  run: string;
  jobs: Pick<JobMessage, 'task' | 'params' | 'priority'>[];
  /** Of the single job. */
  file?: string;
}

export function declare(program: Command, { out, exit }: Shell): void {
  const command = program
    .command('run')
    .argument('[task]', 'the task (with --manifest: of jobs that name none)')
    .argument('[file]', 'the input, where the task takes a file');
  withJson(withBackend(command))
    .description('Run one job, or all of a manifest, and wait for the end.')
    .option(
      '--set <name=value>',
      'a parameter; repeat it for more (longshore tasks TASK lists them)',
      repeated,
      [],
    )
    .option(
      '--manifest <file>',
      'jobs to run: JSON (.json), JSON Lines (.jsonl), or a name that comes with longshore: world',
    )
    .addOption(new Option('--run <name>', 'name of the run').argParser(runName))
    .option('--no-wait', 'only start: the jobs are run by AWS, or by `longshore up`')
    .action(
      async (task: string | undefined, file: string | undefined, options: CommonOptions & RunOptions) => {
        const request = await readRequest(await readTasks(), task, file, options);
        const backend = await openBackend(options, out);
        if (options.wait) {
          const tasks = [...new Set(request.jobs.map((job) => job.task))];
          await backend.prepare?.(tasks, { quiet: options.json });
        }
        const quiet: Output = options.json ? { ...out, live: false, note: () => {}, status: () => {} } : out;
        const outcome = await runRequest(backend, request, { wait: options.wait, out: quiet });
        report(outcome, options, out);
        exit(outcome.exitCode);
      },
    );
}

/**
 * Throws {@link UsageError}. The parameters of a single job are not checked here: a job with bad ones is recorded, with the
 * reason. A manifest is refused whole for one fault: nobody looks through ten thousand jobs for the one that was mistyped.
 */
export async function readRequest(
  tasks: Tasks,
  taskName: string | undefined,
  file: string | undefined,
  options: Pick<RunOptions, 'set' | 'manifest' | 'run'>,
): Promise<Request> {
  if (options.manifest !== undefined) {
    if (file !== undefined)
      throw new UsageError(`Either a file or a manifest, not both: ${file}, ${options.manifest}`);
    const defaults = {
      ...(taskName === undefined ? {} : { task: findTask(tasks, taskName).name }),
      params: readSet(taskName ?? 'the manifest', options.set),
    };
    return await readManifest(options.manifest, { tasks, defaults }, options.run);
  }
  if (taskName === undefined)
    throw new UsageError(`It needs a task, or --manifest FILE. Tasks: ${[...tasks.keys()].join(', ')}`);
  const task = findTask(tasks, taskName);
  const run = options.run ?? newRun(Date.now(), randomUUID());
  const jobs = [{ task: taskName, params: readSet(taskName, options.set), priority: 0 }];
  if (file === undefined) return { run, jobs };
  await checkFiles(task, [file]);
  return { run, jobs, file };
}

async function readManifest(
  path: string,
  options: Pick<ManifestParts, 'tasks' | 'defaults'>,
  run: string | undefined,
): Promise<Request> {
  const { name, jobs } = await openManifest(path, options);
  // Each start is a run of its own, unless it is named.
  return { run: run ?? timedRun(name, new Date()), jobs };
}

export interface Outcome {
  run: string;
  results: RunResult[];
  exitCode: number;
}

export interface RunParts {
  wait: boolean;
  out: Output;
  interrupt?: Interrupt;
}

/** Accepts the jobs, has the backend work on them, and waits. */
export async function runRequest(backend: Backend, request: Request, parts: RunParts): Promise<Outcome> {
  const { ctx } = backend;
  const interrupt = parts.interrupt ?? onInterrupt();
  try {
    const jobs = await acceptJobs(backend, request, parts.out);
    const ids = jobs.map(({ id }) => id);
    if (parts.wait) await work(backend, request.run, jobs, { ...parts, interrupt });
    else if (jobs.some(({ state }) => !isTerminal(state)))
      await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
    const results = await mapLimit(
      ids,
      READS_AT_ONCE,
      async (id) => await resultOf(ctx, (await readJob(ctx, id))!),
    );
    return { run: request.run, results, exitCode: exitCodeOf(results, parts.wait, interrupt) };
  } finally {
    if (!parts.interrupt) interrupt.release();
  }
}

function exitCodeOf(results: RunResult[], waited: boolean, interrupt: Interrupt): number {
  if (interrupt.signal.aborted) return EXIT.interrupted;
  const good = results.every(({ state }) => state === 'published' || (!waited && !isTerminal(state)));
  return good ? EXIT.ok : EXIT.failed;
}

async function acceptJobs({ ctx }: Backend, { run, jobs, file }: Request, out: Output): Promise<Job[]> {
  const key = file === undefined ? undefined : `${RUN_INPUTS}${run}/${basename(file)}`;
  const copied = key === undefined ? undefined : await copyIn(ctx, file!, key, out);
  const input = copied && {
    key: copied.key,
    bytes: copied.bytes,
    etag: copied.etag,
    sha256: copied.sha256,
  };
  const sequence = timeSequence(ctx.clock.now());
  const messages = jobs.map((job): JobMessage => ({
    kind: 'job',
    run,
    ...job,
    sequence,
    ...(input ? { input } : {}),
  }));
  const accepted = await acceptAll(ctx, messages, { atOnce: LOOKS_AT_ONCE });
  // The same task and parameters twice in a manifest are one job.
  return [...new Map(accepted.map((job) => [job.id, job])).values()];
}

async function work(
  backend: Backend,
  run: string,
  jobs: Job[],
  { out, interrupt }: RunParts & { interrupt: Interrupt },
): Promise<void> {
  const ids = jobs.map(({ id }) => id);
  if (jobs.every(({ state }) => isTerminal(state))) return;
  const { ctx, pollMs } = backend;
  const driver = await backend.drive(run);
  const [only] = ids;
  const watch = ids.length === 1 ? new JobWatch(ctx, only!, out, backend) : undefined;
  const each = async (): Promise<void> => {
    if (watch) await watch.look();
    else await showRun(backend, run, out);
  };
  try {
    const { signal } = interrupt;
    await Promise.race([driver.failed, waitForJobs(ctx, run, ids, { pollMs, signal, each })]);
    if (interrupt.by() === 'SIGINT' && backend.cancelOnInterrupt) await cancelRest(backend, run, ids, out);
    else if (signal.aborted) out.note(leftRunning(backend, run));
  } finally {
    out.status();
    await driver.stop();
  }
}

/** Ctrl-C on this machine: nobody else would stop the containers. */
async function cancelRest(backend: Backend, run: string, ids: string[], out: Output): Promise<void> {
  const { ctx, pollMs } = backend;
  out.note('longshore: stopping (Ctrl-C again to leave at once)');
  await cancelJobs(ctx, ids);
  await waitForJobs(ctx, run, ids, { pollMs, signal: new AbortController().signal, each: async () => {} });
}

function leftRunning({ cancelOnInterrupt, flags = '' }: Backend, run: string): string {
  return cancelOnInterrupt
    ? `longshore: stopped waiting for ${run}; what has not ended goes on with  longshore up`
    : `longshore: stopped waiting; the jobs of ${run} go on (longshore status ${run} ${flags}; longshore cancel ${run} ${flags})`;
}

async function showRun({ ctx }: Backend, run: string, out: Output): Promise<void> {
  if (!out.live) return;
  out.status(countsText(await status(ctx, { run })));
}

function report({ run, results }: Outcome, options: CommonOptions & RunOptions, out: Output): void {
  if (options.json)
    return out.line(
      JSON.stringify(options.manifest === undefined ? results[0] : manifestResult(run, results)),
    );
  if (options.manifest === undefined) return out.line(JSON.stringify(results[0], null, 2));
  for (const result of results) out.note(resultLine(result));
  out.line(JSON.stringify(manifestResult(run, results), null, 2));
}

/** Of a manifest: the run as a whole, and each job as `run` tells a single one. */
export function manifestResult(run: string, results: RunResult[]): object {
  const total = (of: (result: RunResult) => number): number =>
    Number(results.reduce((sum, result) => sum + of(result), 0).toFixed(6));
  return {
    run,
    published: results.filter(({ state }) => state === 'published').length,
    seconds: total(({ seconds }) => seconds),
    costUsd: total(({ costUsd }) => costUsd),
    jobs: results,
  };
}

function resultLine({ job, state, outputs, seconds, costUsd, reason }: RunResult): string {
  const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0);
  const what = state === 'published' ? `${outputs.length} files, ${formatBytes(bytes)}` : (reason ?? '');
  return [job, state, what, formatSeconds(seconds), formatUsd(costUsd)].join('  ');
}
