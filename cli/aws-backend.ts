/** `--backend aws`: the same context as the Lambdas', from the same variables (docs/cli.md lists them). */
import { awsContext } from '../lib/aws/context.ts';
import { EnvironmentError as AwsEnvironmentError } from '../lib/aws/environment.ts';
import { ecsRunner } from '../lib/aws/runner-from-environment.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Log, ObjectStore } from '../lib/ports.ts';
import type { Backend } from './backend.ts';
import { EnvironmentError } from './errors.ts';
import { readTasks } from './tasks-folder.ts';

/** Throws {@link EnvironmentError}, naming each variable that is missing. */
export async function openAws(log: Log, env: NodeJS.ProcessEnv): Promise<Backend> {
  const ctx = awsContextFrom(log, await readTasks(), env);
  return {
    ctx,
    // The Lambdas do the work: one message has them look at what waits.
    async drive() {
      await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
      return { stop: async () => {}, failed: new Promise<never>(() => {}) };
    },
    pollMs: 2000,
    cancelOnInterrupt: false,
  };
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
    throw new EnvironmentError(
      `--backend aws needs the names that the deployed stack has. ${error.message}. docs/cli.md says where to find them`,
      { cause: error },
    );
  }
}
