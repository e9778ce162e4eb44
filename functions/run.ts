/** One job by hand: `serverless invoke -f run -d '{"task":"osm-mapsforge","params":{"area":"europe/monaco"}}'`. */
import middy from '@middy/core';
import { awsContext } from '../lib/aws/context.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { parseRequest, runOne } from '../lib/aws/run-one.ts';
import { tasks } from '../tasks/index.ts';

const ctx = awsContext({ log: lambdaLog(), tasks });

export const handler = middy().handler(
  async (event, context) =>
    await runOne(ctx, parseRequest(event), { remainingMs: () => context.getRemainingTimeInMillis() }),
);
