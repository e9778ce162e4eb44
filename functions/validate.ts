/** Checks staged outputs as the task file says; good ones go on to be published, bad ones to quarantine. */
import { awsContext } from '../lib/aws/context.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { stepsHandler } from '../lib/aws/steps-handler.ts';
import { tasks } from '../tasks/index.ts';

export const handler = stepsHandler(awsContext({ log: lambdaLog(), tasks }));
