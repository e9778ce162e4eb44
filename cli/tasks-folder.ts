/** The tasks as the command sees them: whatever folders are in tasks/ now. */
import { join } from 'node:path';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { nearest } from '../lib/tasks/nearest.ts';
import { loadTasks } from '../lib/tasks/registry.ts';
import { UsageError } from './errors.ts';
import { PROJECT } from './project.ts';

export type Tasks = ReadonlyMap<string, TaskDefinition>;

export const TASKS_FOLDER = join(PROJECT, 'tasks');

export async function readTasks(): Promise<Tasks> {
  return await loadTasks(TASKS_FOLDER);
}

/** Throws {@link UsageError} with the tasks that there are. */
export function findTask(tasks: Tasks, name: string): TaskDefinition {
  const task = tasks.get(name);
  if (task) return task;
  const guess = nearest(name, tasks.keys());
  throw new UsageError(
    `There is no task "${name}"${guess ? `: did you mean "${guess}"?` : ''} Tasks: ${[...tasks.keys()].join(', ')}  (longshore tasks)`,
  );
}
