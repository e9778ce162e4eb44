/** A job's task file, and its parameters with the defaults filled in. */
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkParams } from '../tasks/params.ts';
import type { PipelineContext } from './context.ts';
import type { Job, Params } from './job.ts';

/** A deployment took the task away, or changed its parameters, under a job that was accepted before. */
export class TaskGoneError extends Error {
  override name = 'TaskGoneError';
}

/** Throws {@link TaskGoneError}. */
export function taskOf(
  { tasks }: Pick<PipelineContext, 'tasks'>,
  job: Job,
): { task: TaskDefinition; params: Params } {
  const task = tasks.get(job.task);
  if (!task) throw new TaskGoneError(`Job ${job.id} is of task "${job.task}", which is gone`);
  const checked = checkParams(task, job.params);
  if (!checked.ok)
    throw new TaskGoneError(
      `The parameters of job ${job.id} are no longer valid: ${checked.faults.join('; ')}`,
    );
  return { task, params: checked.params as Params };
}
