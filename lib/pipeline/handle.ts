/** What to do with each message. */
import { accept } from './accept.ts';
import { release } from './admission.ts';
import type { PipelineContext } from './context.ts';
import { dispatch, type DispatchResult } from './dispatch.ts';
import { finish } from './finish.ts';
import { isTerminal } from './job.ts';
import { readJob } from './ledger.ts';
import { PipelineMessage, StepMessage, type WakeMessage } from './messages.ts';
import { publish } from './publish.ts';
import { validate } from './validate.ts';

/** Takes in a message's work, or what it frees. Call `dispatch` after it. */
export async function handleMessage(ctx: PipelineContext, message: PipelineMessage): Promise<void> {
  if (message.kind === 'wake') await release(ctx, [message]);
  else await accept(ctx, message);
}

/** Takes in a batch of messages, then starts what fits. `failed` are the places of those to be delivered again. */
export async function handleMessages(
  ctx: PipelineContext,
  bodies: string[],
  options: { run?: string } = {},
): Promise<{ failed: { at: number; error: unknown }[]; dispatched: DispatchResult }> {
  const failed: { at: number; error: unknown }[] = [];
  const wakes: WakeMessage[] = [];
  for (const [at, body] of bodies.entries()) {
    try {
      const message = PipelineMessage.parse(JSON.parse(body));
      if (message.kind === 'wake') wakes.push(message);
      else await accept(ctx, message);
    } catch (error) {
      ctx.log.error('Message:Handle:Failed', { reason: String(error), body: body.slice(0, 1000) });
      failed.push({ at, error });
    }
  }
  return { failed, dispatched: await dispatch(ctx, { ...options, wakes }) };
}

/** One step after the container; a validated job's publishing is the next message. */
export async function handleStep(ctx: PipelineContext, body: string): Promise<void> {
  const step = StepMessage.parse(JSON.parse(body));
  try {
    await takeStep(ctx, step);
  } catch (error) {
    // It came twice, and the other one has cleared away what this one looks for.
    const job = await readJob(ctx, step.job);
    if (!job || !isTerminal(job.state)) throw error;
    ctx.log.debug('Step:Handle:Twice', { ...step, reason: String(error) });
    await finish(ctx, job);
  }
}

async function takeStep(ctx: PipelineContext, step: StepMessage): Promise<void> {
  if (step.kind === 'publish') {
    await publish(ctx, step);
  } else if (await validate(ctx, step)) {
    await ctx.steps.send([JSON.stringify({ ...step, kind: 'publish' } satisfies StepMessage)]);
  }
}
