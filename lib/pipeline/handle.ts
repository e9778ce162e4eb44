/** What to do with each message. */
import { accept } from './accept.ts';
import { release } from './admission.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import { isTerminal } from './job.ts';
import { readJob } from './ledger.ts';
import { StepMessage, type PipelineMessage } from './messages.ts';
import { publish } from './publish.ts';
import { validate } from './validate.ts';

/** Takes in a message's work, or what it frees. Call `dispatch` after it. */
export async function handleMessage(ctx: PipelineContext, message: PipelineMessage): Promise<void> {
  if (message.kind === 'wake') await release(ctx, [message]);
  else await accept(ctx, message);
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
