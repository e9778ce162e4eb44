/** Options of the verbs that start jobs. */
import { BadParamsError, readAssignments } from '../lib/tasks/params.ts';
import type { Params } from '../lib/pipeline/job.ts';
import { RUN_NAME, RUN_NAME_RULE } from '../lib/rebuild/run-name.ts';
import { UsageError } from './errors.ts';

/** It stands in keys and in ECS `startedBy`. Throws {@link UsageError}. */
export function runName(text: string): string {
  if (!RUN_NAME.test(text)) throw new UsageError(`"${text}" cannot name a run: ${RUN_NAME_RULE}`);
  return text;
}

/** `--set NAME=VALUE …`. `of` names what they are for. Throws {@link UsageError}. */
export function readSet(of: string, assignments: string[]): Params {
  try {
    return readAssignments({ name: of }, assignments);
  } catch (error) {
    if (error instanceof BadParamsError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
