/** `longshore tasks [NAME]`: what can be run, and with which parameters. */
import type { Command } from 'commander';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { describeParams, paramHelpLines } from '../../lib/tasks/params.ts';
import { formatTable } from '../format.ts';
import type { Shell } from '../main.ts';
import { withJson } from '../options.ts';
import type { Output } from '../streams.ts';
import { findTask, readTasks, type Tasks } from '../tasks-folder.ts';

export function declare(program: Command, { out }: Shell): void {
  withJson(program.command('tasks').argument('[name]', 'one task, with its parameters'))
    .description('List the tasks, or the parameters of one.')
    .action(async (name: string | undefined, { json }: { json: boolean }) => {
      showTasks(await readTasks(), { name, json }, out);
    });
}

export function showTasks(
  tasks: Tasks,
  options: { name: string | undefined; json: boolean },
  out: Output,
): void {
  if (options.name === undefined) return listTasks([...tasks.values()], options.json, out);
  const task = findTask(tasks, options.name);
  if (options.json) out.line(JSON.stringify(describeTask(task), null, 2));
  else out.line(taskText(task));
}

function listTasks(tasks: TaskDefinition[], json: boolean, out: Output): void {
  if (json) return out.line(JSON.stringify(tasks.map(describeTask), null, 2));
  const rows = tasks.map(({ name, accepts, description }) => [name, accepts.join(' ') || '-', description]);
  out.line(formatTable(['task', 'takes', 'what it makes'], rows));
}

export function describeTask(task: TaskDefinition): object {
  const { name, description, image, command, accepts, outputs, attempts, ceiling, network } = task;
  return {
    name,
    description,
    image,
    command,
    accepts,
    params: describeParams(task),
    outputs: outputs.map((one) => ({ pattern: one.pattern, description: one.description })),
    attempts,
    ceiling,
    network,
  };
}

const indent = (line: string): string => `  ${line}`;

function taskText(task: TaskDefinition): string {
  return [
    `${task.name}: ${task.description}`,
    '',
    `Takes ${task.accepts.map((ending) => `*${ending}`).join(', ') || 'no files'}; makes`,
    ...task.outputs.map(({ pattern, description }) => indent(`${pattern}  ${description}`)),
    '',
    'Parameters (--set name=value):',
    ...paramHelpLines(task).map(indent),
  ].join('\n');
}
