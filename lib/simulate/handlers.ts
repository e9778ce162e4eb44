/** What the functions do when they are called: the same steps as `functions/*.ts`, in simulated Lambdas. */
import { wakeLater } from '../aws/wake.ts';
import { accept } from '../pipeline/accept.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { dispatch, dispatchAtQuota } from '../pipeline/dispatch.ts';
import { handleStep } from '../pipeline/handle.ts';
import { PipelineMessage, type JobMessage, type WakeMessage } from '../pipeline/messages.ts';
import { settle } from '../pipeline/settle.ts';
import { sweep } from '../pipeline/sweep.ts';
import type { Log, TaskState } from '../ports.ts';
import { acceptAll } from '../rebuild/start.ts';
import type { SimulatedLambda } from './lambda.ts';

/** As functions/dispatch.ts stays. */
const STAY_SECONDS = 10;
/** EventBridge's own call and the two that Lambda adds. */
const SETTLE_TRIES = 3;
const WAKE = JSON.stringify({ kind: 'wake' } satisfies WakeMessage);

interface Function {
  lambda: SimulatedLambda;
  ctx: PipelineContext;
}

/** New jobs are taken in, wake-ups start what fits. Returns the places of the messages that failed. */
export const dispatchHandler =
  ({ lambda, ctx }: Function) =>
  async (bodies: string[]): Promise<number[]> =>
    await lambda.invoke(async () => {
      const messages = bodies.map((body) => PipelineMessage.parse(JSON.parse(body)));
      const wakes = messages.filter((message) => message.kind === 'wake');
      const taken = await Promise.allSettled(
        messages.map(async (message) => message.kind === 'wake' || (await accept(ctx, message))),
      );
      if (wakes.length === 0) await ctx.jobs.send([WAKE]);
      else await wakeLater(ctx, await dispatchAtQuota(ctx, { wakes }, STAY_SECONDS));
      return failedPlaces(ctx.log, taken);
    });

export const stepsHandler =
  ({ lambda, ctx }: Function) =>
  async (bodies: string[]): Promise<number[]> =>
    await lambda.invoke(async () =>
      failedPlaces(
        ctx.log,
        await Promise.allSettled(bodies.map(async (body) => await handleStep(ctx, body))),
      ),
    );

export async function settleHandler({ lambda, ctx }: Function, state: TaskState): Promise<void> {
  for (let tries = 1; tries <= SETTLE_TRIES; tries += 1) {
    try {
      await lambda.invoke(async () => await settle(ctx, state));
      return;
    } catch (error) {
      ctx.log.error('Lambda:Settle:Failed', { reason: String(error) });
    }
  }
}

export async function sweepHandler({ lambda, ctx }: Function): Promise<void> {
  try {
    await lambda.invoke(async () => {
      await sweep(ctx);
      await wakeLater(ctx, await dispatch(ctx));
    });
  } catch (error) {
    ctx.log.error('Lambda:Sweep:Failed', { reason: String(error) });
  }
}

/** Once it has made the plan. */
export async function rebuildHandler({ lambda, ctx }: Function, messages: JobMessage[]): Promise<void> {
  await lambda.invoke(async () => {
    await acceptAll(ctx, messages);
    await ctx.jobs.send([WAKE]);
  });
}

function failedPlaces(log: Log, results: PromiseSettledResult<unknown>[]): number[] {
  return results.flatMap((result, at) => {
    if (result.status === 'fulfilled') return [];
    log.error('Message:Handle:Failed', { reason: String(result.reason) });
    return [at];
  });
}
