/** Retry from the page: the same as `longshore retry`. */
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import { tryAgain } from '../../lib/pipeline/try-again.ts';
import type { RetryOutcome } from './view.ts';

const RETRIES_AT_ONCE = 8;

/** A job that is published, waits or runs is refused, and so is what would not be accepted today. */
export async function retryJobs(ctx: PipelineContext, ids: string[]): Promise<RetryOutcome> {
  const tried = await mapLimit(ids, RETRIES_AT_ONCE, async (id) => await tryAgain(ctx, id));
  return {
    retried: tried.filter(({ again }) => again).map(({ job }) => job.id),
    refused: tried
      .filter(({ again }) => !again)
      .map(({ job: { id, state, reason } }) => ({ job: id, reason: reason ?? `it is ${state}` })),
  };
}

/** Of the run, what failed; not what was set aside, which would end the same, nor what a person cancelled. */
export async function retryFailed(ctx: PipelineContext, run: string): Promise<RetryOutcome> {
  const prefix = `${keys.run(run)}failed/`;
  const ids: string[] = [];
  for await (const key of ctx.records.list(prefix)) ids.push(key.slice(prefix.length));
  return await retryJobs(ctx, ids);
}
