/** A container stopped ("ECS Task State Change", by EventBridge): why, and what is next. */
import middy from '@middy/core';
import type { EventBridgeEvent } from 'aws-lambda';
import { awsContext } from '../lib/aws/context.ts';
import { taskStateChange } from '../lib/aws/events.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { settle } from '../lib/pipeline/settle.ts';
import { tasks } from '../tasks/index.ts';

const ctx = awsContext({ log: lambdaLog(), tasks });

export const handler = middy<EventBridgeEvent<'ECS Task State Change', unknown>>().handler(async (event) => {
  const { state, version } = taskStateChange(event);
  ctx.log.info('Task:Change:Seen', { version, ...state });
  // A task that somebody else runs in the cluster is none of ours.
  if (state) await settle(ctx, state);
});
