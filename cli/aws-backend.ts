/** `--backend aws`: the same context as the Lambdas', from the same variables (docs/cli.md lists them). */
import { awsContext } from '../lib/aws/context.ts';
import { EnvironmentError as AwsEnvironmentError } from '../lib/aws/environment.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Log } from '../lib/ports.ts';
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
    return awsContext({ log, tasks, env });
  } catch (error) {
    if (!(error instanceof AwsEnvironmentError)) throw error;
    throw new EnvironmentError(
      `--backend aws needs the names that the deployed stack has. ${error.message}. docs/cli.md says where to find them`,
      { cause: error },
    );
  }
}
