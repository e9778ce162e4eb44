/** The deployed stack, as its outputs tell it (resources/outputs.yml): the same variables as its functions have. */
import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { awsConfig } from './clients.ts';

type Env = Record<string, string | undefined>;

/** Output → variable. Those of `Settings` carry the variables' own names. */
const OUTPUTS = {
  UploadsBucketName: 'LONGSHORE_UPLOADS_BUCKET',
  OutputBucketName: 'LONGSHORE_OUTPUT_BUCKET',
  QuarantineBucketName: 'LONGSHORE_QUARANTINE_BUCKET',
  StateBucketName: 'LONGSHORE_STATE_BUCKET',
  JobsQueueUrl: 'LONGSHORE_JOBS_QUEUE',
  WakeQueueUrl: 'LONGSHORE_WAKE_QUEUE',
  ValidateQueueUrl: 'LONGSHORE_VALIDATE_QUEUE',
  MetadataQueueUrl: 'LONGSHORE_METADATA_QUEUE',
  ClusterName: 'LONGSHORE_CLUSTER',
  TaskFamilyPrefix: 'LONGSHORE_TASK_FAMILY_PREFIX',
  Subnets: 'LONGSHORE_SUBNETS',
  SecurityGroups: 'LONGSHORE_SECURITY_GROUPS',
  AssignPublicIp: 'LONGSHORE_ASSIGN_PUBLIC_IP',
  LogGroupPrefix: 'LONGSHORE_LOG_GROUP_PREFIX',
} as const;
const Settings = z.record(z.string().startsWith('LONGSHORE_'), z.string());

/** As `service` in serverless.yml. */
const SERVICE = 'longshore';
export const stackName = (stage: string): string => `${SERVICE}-${stage}`;

/** The stack is not there, not ready, or of another version. */
export class StackError extends Error {
  override name = 'StackError';
}

/** Throws {@link StackError}, and the SDK's own errors for credentials and network. */
export async function describeStack(stage: string, env: Env): Promise<Stack> {
  const client = new CloudFormationClient(awsConfig(env));
  const name = stackName(stage);
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    if (stack) return stack;
  } catch (error) {
    if (!/does not exist/.test((error as Error).message)) throw error;
  }
  const region = await client.config.region();
  throw new StackError(
    `There is no stack ${name} in ${region}: deploy it (npx serverless deploy --stage ${stage} --region ${region}), or name the right one with --stage and --region`,
  );
}

/** Throws {@link StackError} when the stack has no such outputs (yet, or any more). */
export function stackEnvironment(stack: Pick<Stack, 'StackName' | 'StackStatus' | 'Outputs'>): Env {
  const outputs = new Map(
    (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]),
  );
  const missing = [...Object.keys(OUTPUTS), 'Settings'].filter((name) => outputs.get(name) === undefined);
  if (missing.length > 0) {
    const why =
      stack.StackStatus?.endsWith('COMPLETE') && outputs.size > 0
        ? 'another version of longshore made it, so deploy it again'
        : `it is ${stack.StackStatus}, so wait for its end, or see what failed (npx serverless deploy)`;
    throw new StackError(`The stack ${stack.StackName} has no output ${missing.join(', ')}: ${why}`);
  }
  const names = Object.entries(OUTPUTS).map(([output, variable]) => [variable, outputs.get(output)]);
  return { ...Object.fromEntries(names), ...Settings.parse(JSON.parse(outputs.get('Settings')!)) } as Env;
}
