/** The schedule of the world rebuild, or a call by hand: plans the manifest's run, and accepts its jobs. */
import middy from '@middy/core';
import { awsContext, stateBucket } from '../lib/aws/context.ts';
import { readEnvironment, RebuildEnvironment } from '../lib/aws/environment.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { rebuild, type RebuildEvent, type ScheduledEvent } from '../lib/aws/rebuild.ts';
import { tasks } from '../tasks/index.ts';

const log = lambdaLog();
const ctx = awsContext({ log, tasks });
const state = stateBucket();
const settings = readEnvironment(RebuildEnvironment);

export const handler = middy<RebuildEvent | ScheduledEvent>().handler(async (event) => {
  const answer = await rebuild(ctx, state, event, settings);
  log.info('Run:Start:Done', { ...answer });
  return answer;
});
