/** `longshore retry JOB…`, `longshore retry RUN --failed`: tries jobs again that ended without publishing. */
import type { Command } from 'commander';
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { tryAgain, type TriedAgain } from '../../lib/pipeline/try-again.ts';
import { openBackend } from '../backend.ts';
import { UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { allJobsOf } from '../jobs-of.ts';
import type { Shell } from '../main.ts';
import { withBackend, withJson, type CommonOptions } from '../options.ts';

const RETRIES_AT_ONCE = 8;

export interface RetryOptions {
  failed: boolean;
}

export function declare(program: Command, { out, exit }: Shell): void {
  withJson(withBackend(program.command('retry').argument('<job|run...>', 'as status shows them')))
    .description(
      'Try jobs again that failed, were set aside or cancelled: the same jobs, with a new count of attempts.',
    )
    .option('--failed', 'of a run: all of its jobs that ended without publishing', false)
    .action(async (names: string[], options: CommonOptions & RetryOptions) => {
      const tried = await retryJobs((await openBackend(options, out)).ctx, names, options);
      out.line(options.json ? JSON.stringify(tried.map(told), null, 2) : retryText(tried, options.backend));
      if (tried.some(({ again }) => !again)) exit(EXIT.failed);
    });
}

/** Throws {@link UsageError} before anything is tried again. */
export async function retryJobs(
  ctx: PipelineContext,
  names: string[],
  { failed }: RetryOptions,
): Promise<TriedAgain[]> {
  const jobs = await allJobsOf(ctx, names);
  const run = names.find((name) => jobs.every(({ id }) => id !== name));
  // A whole run is tried again only by somebody who says so.
  if (run !== undefined && !failed) {
    const count = jobs.filter((job) => job.run === run && isUnpublished(job)).length;
    throw new UsageError(
      `${run} is a run, of which ${count} jobs ended without publishing: longshore retry ${run} --failed  tries all these again`,
    );
  }
  const chosen = jobs.filter((job) => names.includes(job.id) || isUnpublished(job));
  return await mapLimit(chosen, RETRIES_AT_ONCE, async ({ id }) => await tryAgain(ctx, id));
}

const isUnpublished = ({ state }: Job): boolean => isTerminal(state) && state !== 'published';

const told = ({ job: { id, state, reason }, again }: TriedAgain): object => ({
  job: id,
  state,
  again,
  ...(reason === undefined ? {} : { reason }),
});

function retryText(tried: TriedAgain[], backend: CommonOptions['backend']): string {
  const lines = tried.map(({ job: { id, state, reason }, again }) =>
    again ? `${id}  waits` : `${id}  is ${state}: left as it is${reason === undefined ? '' : ` (${reason})`}`,
  );
  if (tried.length === 0)
    return 'There is nothing to try again: no job of it failed, was set aside or cancelled';
  const here = 'The jobs go on with  longshore up, or with the command that started their run';
  return [...lines, ...(backend === 'local' && tried.some(({ again }) => again) ? [here] : [])].join('\n');
}
