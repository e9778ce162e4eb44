/** Cancels a job: one that waits at once, one that runs by stopping its container, once no other job needs that. */
import { entryOfLaunch } from './admission.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import type { Attempt, Job } from './job.ts';
import { isTerminal, lastAttempt } from './job.ts';
import { readJob, updateJob } from './ledger.ts';
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
    await stopMember(ctx, job.id, { ...last, ref: last.ref });
  return job;
}

/** A container that others share goes on for them, until nobody is left who wants it to. */
async function stopMember(
  ctx: PipelineContext,
  id: string,
  attempt: Attempt & { ref: string },
): Promise<void> {
  const { ref, launch } = attempt;
  const entry = launch && (await entryOfLaunch(ctx, launch.id));
  // From the end: whoever cancels a whole run does so in order, and meets the first that is not marked yet at once.
  for (const member of (entry?.members ?? []).toReversed()) {
    if (member.left || member.job === id) continue;
    const other = await readJob(ctx, member.job);
    if (!other || isTerminal(other.state) || lastAttempt(other)?.stopping) continue;
    await ctx.runner.skip(ref, { job: id, attempt: attempt.attempt });
    return;
  }
  await ctx.runner.stop(ref, 'cancelled');
}
