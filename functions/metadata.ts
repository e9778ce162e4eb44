/** Publishes what is valid: the files, the metadata that is written here, the receipt last. */
import { awsContext } from '../lib/aws/context.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { stepsHandler } from '../lib/aws/steps-handler.ts';
import { tasks } from '../tasks/index.ts';

export const handler = stepsHandler(awsContext({ log: lambdaLog(), tasks }));
