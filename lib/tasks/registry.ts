/** Finds the tasks of a folder: for the command, which must see a new task without a build. Lambdas take `tasks/index.ts`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BadTaskError, checkTask } from './check-task.ts';
import type { TaskDefinition } from './define-task.ts';

/** Names of the folders of `folder` that hold a `task.ts`, in order. */
export async function taskFolders(folder: string): Promise<string[]> {
  const files = await readdir(folder, { withFileTypes: true });
  const folders = files.filter((file) => file.isDirectory()).map((file) => file.name);
  const withTask = await Promise.all(
    folders.map(async (name) => ((await readdir(join(folder, name))).includes('task.ts') ? [name] : [])),
  );
  return withTask.flat().sort();
}

/**
 * Every `<folder>/<name>/task.ts`, by name: its default export, checked. Throws {@link BadTaskError}; a task file that cannot
 * be loaded at all is an error that names it, never a task that is quietly missing.
 */
export async function loadTasks(folder: string): Promise<ReadonlyMap<string, TaskDefinition>> {
  const tasks = new Map<string, TaskDefinition>();
  for (const name of await taskFolders(folder)) {
    tasks.set(name, await loadTask(folder, name));
  }
  return tasks;
}

async function loadTask(folder: string, name: string): Promise<TaskDefinition> {
  const path = join(folder, name, 'task.ts');
  let module: { default?: TaskDefinition };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new Error(`${path} cannot be loaded: ${String(error)}`, { cause: error });
  }
  if (!module.default?.params) {
    throw new BadTaskError(name, ['It has no default export of defineTask({…}).']);
  }
  return checkTask(module.default, name);
}
