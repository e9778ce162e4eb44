/** `--backend aws`: the same context as the Lambdas', with the names that the stack tells (docs/cli.md). */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { awsConfig } from '../lib/aws/clients.ts';
import { ContainerLog } from '../lib/aws/container-log.ts';
import { awsContext } from '../lib/aws/context.ts';
import { BaseEnvironment, EnvironmentError as AwsEnvironmentError } from '../lib/aws/environment.ts';
import { ecsRunner } from '../lib/aws/runner-from-environment.ts';
import { describeStack, stackEnvironment, StackError } from '../lib/aws/stack.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Log, ObjectStore } from '../lib/ports.ts';
import type { Backend } from './backend.ts';
import { EnvironmentError } from './errors.ts';
import { awsFlags, type CommonOptions } from './options.ts';
import { readTasks } from './tasks-folder.ts';

export type AwsOptions = Pick<CommonOptions, 'stage' | 'region'>;

/** Throws {@link EnvironmentError}: no region, no credentials, no such stack, or one of another version. */
export async function openAws(options: AwsOptions, log: Log, env: NodeJS.ProcessEnv): Promise<Backend> {
  const settings = await awsEnvironment(options, env);
  const ctx = awsContextFrom(log, await readTasks(), settings);
  return {
    ctx,
    ...liveLog(settings),
    flags: awsFlags(options),
    // The Lambdas do the work: one message has them look at what waits.
    async drive() {
      await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
      return { stop: async () => {}, failed: new Promise<never>(() => {}) };
    },
    pollMs: 2000,
    cancelOnInterrupt: false,
    liveLogs: false,
  };
}

function liveLog(env: NodeJS.ProcessEnv): Pick<Backend, 'liveLog'> {
  const groupPrefix = env.LONGSHORE_LOG_GROUP_PREFIX;
  if (groupPrefix === undefined) return {};
  const client = new CloudWatchLogsClient(awsConfig(env));
  return {
    liveLog: ({ task }, { ref }) =>
      ref === undefined ? undefined : new ContainerLog({ client, groupPrefix, task, ref }),
  };
}

/** Variables that are set win. CloudFormation is not asked when all are: it may be out of reach, or not be there. */
export async function awsEnvironment(
  { stage, region }: AwsOptions,
  env: NodeJS.ProcessEnv,
): Promise<NodeJS.ProcessEnv> {
  const own: NodeJS.ProcessEnv = { ...env, ...(region === undefined ? {} : { AWS_REGION: region }) };
  if (Object.keys(BaseEnvironment.shape).every((name) => own[name] !== undefined)) return own;
  try {
    return { ...stackEnvironment(await describeStack(stage, own)), ...own };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof StackError) throw new EnvironmentError(error.message, { cause: error });
    if (error.message === 'Region is missing')
      throw new EnvironmentError('No region: give --region, or set AWS_REGION, or region in ~/.aws/config', {
        cause: error,
      });
    throw error;
  }
}

function awsContextFrom(log: Log, tasks: PipelineContext['tasks'], env: NodeJS.ProcessEnv): PipelineContext {
  try {
    // Only stopping a container needs the cluster: the other verbs do without its names.
    const cluster =
      env.LONGSHORE_CLUSTER === undefined
        ? {}
        : { runner: (staging: ObjectStore) => ecsRunner(staging, env) };
    return awsContext({ log, tasks, env, ...cluster });
  } catch (error) {
    if (!(error instanceof AwsEnvironmentError)) throw error;
    throw new EnvironmentError(`${error.message}. docs/cli.md says what each is`, { cause: error });
  }
}
