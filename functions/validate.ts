/** Checks staged outputs as the task file says; good ones go on to be published, bad ones to quarantine. */
import middy from '@middy/core';
import sqsPartialBatchFailure from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { awsContext } from '../lib/aws/context.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { handleStep } from '../lib/pipeline/handle.ts';
import { tasks } from '../tasks/index.ts';

const ctx = awsContext({ log: lambdaLog(), tasks });

export const handler = middy<SQSEvent>()
  .use(
    sqsPartialBatchFailure({
      logger: (error, record) =>
        ctx.log.error('Step:Handle:Failed', { reason: String(error), messageId: record.messageId }),
    }),
  )
  .handler(async ({ Records }) => await Promise.allSettled(Records.map(({ body }) => handleStep(ctx, body))));
