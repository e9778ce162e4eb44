/** The static list that Lambda bundles are built with (`tasks/index.ts`): a bundler cannot follow an import by folder. */
import { checkTask } from './check-task.ts';
import type { TaskDefinition } from './define-task.ts';

/** Definitions by name, each checked as if it were in a folder of that name. */
export function taskMap(definitions: TaskDefinition[]): ReadonlyMap<string, TaskDefinition> {
  return new Map(definitions.map((task) => [task.name, checkTask(task, task.name)]));
}
