/** `longshore cancel JOB|RUN…`: stops what runs, forgets what waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { cancel } from '../../lib/pipeline/cancel.ts';
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import { openBackend, type Backend } from '../backend.ts';
import { allJobsOf } from '../jobs-of.ts';
import type { Shell } from '../main.ts';
import { withBackend, withJson, type CommonOptions } from '../options.ts';

const CANCELS_AT_ONCE = 8;
const POLL_MS = 300;
/** A container has two minutes to end after it is told to. */
const STOPPED_WITHIN_MS = 150_000;

export function declare(program: Command, { out }: Shell): void {
  withJson(withBackend(program.command('cancel').argument('<job|run...>', 'as status shows them')))
    .description(
      'Cancel jobs, or all of a run: waiting ones at once, running ones by stopping their containers.',
    )
    .action(async (names: string[], options: CommonOptions) => {
      const backend = await openBackend(options, out);
      const cancelled = await cancelJobs(backend.ctx, names);
      // On AWS the Lambdas see the containers end; on this machine perhaps nobody else does.
      const jobs = options.backend === 'local' ? await ended(backend, cancelled) : cancelled;
      if (options.json) {
        const told = jobs.map(({ id, state }) => ({ job: id, state }));
        return out.line(JSON.stringify(told, null, 2));
      }
      for (const { id, state } of jobs)
        out.line(`${id}  ${state === 'running' ? 'is being stopped' : state}`);
    });
}

/** Throws `UsageError` before anything is cancelled when one of the names is not there. */
export async function cancelJobs(ctx: PipelineContext, names: string[]): Promise<Job[]> {
  const jobs = await allJobsOf(ctx, names);
  const cancelAll = async (some: Job[]): Promise<Job[]> =>
    await mapLimit(some, CANCELS_AT_ONCE, async ({ id }) => await cancel(ctx, id));
  // What waits goes first: else each slot that a stopped container frees would be taken by the next one of the run.
  const waiting = await cancelAll(jobs.filter(({ state }) => state === 'waiting'));
  const rest = await cancelAll(jobs.filter(({ state }) => state !== 'waiting'));
  const after = new Map([...waiting, ...rest].map((job) => [job.id, job]));
  return jobs.map((job) => after.get(job.id) ?? job);
}

/**
 * Sees the containers end: perhaps no other process does, and the jobs would be running for ever. Drives no run of that
 * name, so nothing is started meanwhile.
 */
async function ended(backend: Backend, jobs: Job[]): Promise<Job[]> {
  if (jobs.every(({ state }) => isTerminal(state))) return jobs;
  const driver = await backend.drive('-');
  const until = Date.now() + STOPPED_WITHIN_MS;
  try {
    for (;;) {
      const now = await readAll(backend.ctx, jobs);
      if (now.every(({ state }) => isTerminal(state)) || Date.now() > until) return now;
      await Promise.race([driver.failed, sleep(POLL_MS)]);
    }
  } finally {
    await driver.stop();
  }
}

const readAll = async (ctx: PipelineContext, jobs: Job[]): Promise<Job[]> =>
  await mapLimit(jobs, CANCELS_AT_ONCE, async (job) => (await readJob(ctx, job.id)) ?? job);
