/** Every minute: lost events, deadlines, dead claims, forgotten steps, and whatever still waits. */
import middy from '@middy/core';
import type { ScheduledEvent } from 'aws-lambda';
import { awsContext } from '../lib/aws/context.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { ecsRunner } from '../lib/aws/runner-from-environment.ts';
import { wakeLater } from '../lib/aws/wake.ts';
import { dispatch } from '../lib/pipeline/dispatch.ts';
import { lookAtLine } from '../lib/pipeline/stalled.ts';
import { sweep } from '../lib/pipeline/sweep.ts';
import { tasks } from '../tasks/index.ts';

const ctx = awsContext({ log: lambdaLog(), tasks, runner: ecsRunner });

export const handler = middy<ScheduledEvent>().handler(async () => {
  const swept = await sweep(ctx);
  const dispatched = await dispatch(ctx);
  ctx.log.info('Sweep:Run:Done', { ...swept, ...dispatched });
  await wakeLater(ctx, dispatched);
  const line = await lookAtLine(ctx);
  if (line) ctx.log.info('Jobs:Look:Busy', { ...line });
});
