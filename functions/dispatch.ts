/** Files that were dropped and jobs asked for by name are taken in; a wake-up, from a queue of its own, starts what fits. */
import middy from '@middy/core';
import sqsPartialBatchFailure from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { awsContext } from '../lib/aws/context.ts';
import { pipelineMessages } from '../lib/aws/events.ts';
import { inTime } from '../lib/aws/in-time.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { ecsRunner } from '../lib/aws/runner-from-environment.ts';
import { wakeLater } from '../lib/aws/wake.ts';
import { accept } from '../lib/pipeline/accept.ts';
import { dispatchAtQuota } from '../lib/pipeline/dispatch.ts';
import type { WakeMessage } from '../lib/pipeline/messages.ts';
import { tasks } from '../tasks/index.ts';

const ctx = awsContext({ log: lambdaLog(), tasks, runner: ecsRunner });

/** With the launches that it has begun it stays below the function's 30 s. */
const STAY_SECONDS = 10;

/** Wake-ups are gathered: what they free is written once for the whole batch. */
async function takeIn(body: string, wakes: WakeMessage[]): Promise<void> {
  for (const message of pipelineMessages(body)) {
    if (message.kind === 'wake') wakes.push(message);
    else await accept(ctx, message);
  }
}

export const handler = middy<SQSEvent>()
  .use(
    sqsPartialBatchFailure({
      logger: (error, record) =>
        ctx.log.error('Message:Handle:Failed', { reason: String(error), messageId: record.messageId }),
    }),
  )
  .handler(async ({ Records }, context) => {
    const wakes: WakeMessage[] = [];
    const remainingMs = context.getRemainingTimeInMillis();
    const taken = await Promise.allSettled(
      Records.map(async ({ body }) => await inTime(takeIn(body, wakes), { remainingMs })),
    );
    if (wakes.length === 0) {
      await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
      return taken;
    }
    // Once for the whole batch. Should it fail, all of the batch comes again: nothing is freed twice.
    const dispatched = await dispatchAtQuota(ctx, { wakes }, STAY_SECONDS);
    ctx.log.info('Batch:Dispatch:Done', { messages: Records.length, ...dispatched });
    await wakeLater(ctx, dispatched);
    return taken;
  });
