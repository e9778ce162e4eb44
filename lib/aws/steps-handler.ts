/** The Lambdas of the step queues: one message is one step, and one that fails comes back alone. */
import middy from '@middy/core';
import sqsPartialBatchFailure from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import type { PipelineContext } from '../pipeline/context.ts';
import { handleStep } from '../pipeline/handle.ts';

export const stepsHandler = (ctx: PipelineContext) =>
  middy<SQSEvent>()
    .use(
      sqsPartialBatchFailure({
        logger: (error, record) =>
          ctx.log.error('Step:Handle:Failed', { reason: String(error), messageId: record.messageId }),
      }),
    )
    .handler(
      async ({ Records }) => await Promise.allSettled(Records.map(({ body }) => handleStep(ctx, body))),
    );
