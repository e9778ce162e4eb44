/** Retry from the page: the same as `longshore retry`. */
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { Job } from '../../lib/pipeline/job.ts';

export interface RetryOutcome {
  /** Ids of the jobs that wait again. */
  retried: string[];
  /** Those that do not, each with the reason. */
  refused: { job: string; reason: string }[];
}

export async function retryOne(_ctx: PipelineContext, _job: Job): Promise<RetryOutcome> {
  throw new Error('Retry from the page is not there yet: drop the file again, or run it again');
}

export async function retryFailed(_ctx: PipelineContext, _run: string): Promise<RetryOutcome> {
  throw new Error('Retry from the page is not there yet: drop the file again, or run it again');
}
