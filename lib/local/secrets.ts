/** Secrets of a task on one machine: from the environment of the command that starts its jobs, straight into the container's. */
import type { TaskDefinition } from '../tasks/define-task.ts';

type Env = Record<string, string | undefined>;

/** The values, for a process of this machine. */
export function secretsOf({ secrets = {} }: TaskDefinition, env: Env = process.env): Record<string, string> {
  return Object.fromEntries(
    Object.keys(secrets).flatMap((name): [string, string][] => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Engines take a variable without a value from their own environment: the value is in no command line. */
export const secretFlags = ({ secrets = {} }: TaskDefinition): string[] =>
  Object.keys(secrets).map((name) => `--env=${name}`);

/** Why no job of the task can be started; `undefined` when every secret is there. */
export function lackOfSecrets(task: TaskDefinition, env: Env = process.env): string | undefined {
  const lacking = Object.entries(task.secrets ?? {}).filter(([name]) => !env[name]);
  if (lacking.length === 0) return undefined;
  const names = lacking.map(([name, description]) => `${name} (${description})`).join(', ');
  return `${task.name} needs ${names} in the environment of the command: export it there, start the command again, then  longshore retry`;
}
