/** Cancels a job: one that waits at once, one that runs by stopping its container. */
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { updateJob } from './ledger.ts';
import { stopping } from './sweep.ts';

/** Idempotent. A job whose container has ended already is past cancelling: it is validated and published. */
export async function cancel(ctx: PipelineContext, id: string): Promise<Job> {
  const now = ctx.clock.now();
  const { job } = await updateJob(ctx, id, (current) => {
    if (current.state === 'waiting')
      return {
        ...current,
        state: 'cancelled',
        cause: 'cancelled',
        reason: 'Cancelled while it waited',
        endedAt: now,
      };
    return stopping(current, current.attempts.length, { cause: 'cancelled', at: now });
  });
  if (isTerminal(job.state)) return job.receipt === undefined ? await finish(ctx, job) : job;
  const last = lastAttempt(job);
  if (last?.stopping && last.endedAt === undefined && last.ref !== undefined)
    await ctx.runner.stop(last.ref, 'cancelled');
  return job;
}
