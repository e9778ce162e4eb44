/** `longshore test [TASK] [CASE]`: runs a task's image on its golden input, and says what came out differently. */
import type { Command } from 'commander';
import { findEngine } from '../../lib/local/engine.ts';
import { BadGoldenError } from '../../lib/golden/errors.ts';
import type { GoldenCase } from '../../lib/golden/cases.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { CliError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { casesOf, runCase, type CaseResult } from '../golden-case.ts';
import { resultText } from '../golden-text.ts';
import { imageIsCurrent } from '../images.ts';
import { onInterrupt } from '../interrupt.ts';
import type { Shell } from '../main.ts';
import { buildMissingImages } from '../missing-images.ts';
import { withJson } from '../options.ts';
import type { Output } from '../streams.ts';
import { findTask, readTasks } from '../tasks-folder.ts';

export interface TestOptions {
  update: boolean;
  keep: boolean;
  json: boolean;
}

interface Chosen {
  task: TaskDefinition;
  golden: GoldenCase;
}

export function declare(program: Command, { out, exit }: Shell): void {
  const command = program
    .command('test')
    .argument('[task]', 'default: every task that has golden data')
    .argument('[case]', 'a folder of tasks/TASK/data; default: all');
  withJson(command)
    .description("Run a task's image on tasks/TASK/data/input and compare with data/output.")
    .option('--update', 'write the golden output anew, from what is made now', false)
    .option('--keep', 'keep the folders that it ran in, and say where', false)
    .action(async (task: string | undefined, name: string | undefined, options: TestOptions) => {
      try {
        const results = await testAll(await chosen(task, name), options, out);
        exit(results.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed);
      } catch (error) {
        if (error instanceof BadGoldenError) throw new CliError(error.message, EXIT.usage, { cause: error });
        throw error;
      }
    });
}

/** Throws {@link UsageError} for a task without golden data, and for a case that it does not have. */
async function chosen(taskName: string | undefined, caseName: string | undefined): Promise<Chosen[]> {
  const tasks = await readTasks();
  const wanted = taskName === undefined ? [...tasks.values()] : [findTask(tasks, taskName)];
  const all = await Promise.all(
    wanted.map(async (task) => (await casesOf(task)).map((golden) => ({ task, golden }))),
  );
  const found = all.flat().filter(({ golden }) => caseName === undefined || golden.name === caseName);
  if (found.length > 0) return found;
  if (taskName === undefined) throw new UsageError('No task has golden data in tasks/TASK/data');
  const names = all.flat().map(({ golden }) => golden.name || 'the one in data itself');
  throw new UsageError(
    names.length === 0
      ? `${taskName} has no golden data: put a file into tasks/${taskName}/data/input, then  longshore test ${taskName} --update`
      : `${taskName} has no case "${caseName}": there is ${names.join(', ')}`,
  );
}

async function testAll(cases: Chosen[], options: TestOptions, out: Output): Promise<CaseResult[]> {
  const quiet: Output = options.json ? { ...out, live: false, note: () => {}, status: () => {} } : out;
  const interrupt = onInterrupt();
  const results: CaseResult[] = [];
  try {
    await readyImages([...new Set(cases.map(({ task }) => task))], options, quiet);
    for (const { task, golden } of cases) {
      if (interrupt.signal.aborted) throw new CliError('stopped', EXIT.interrupted);
      const result = await runCase(task, golden, { ...options, interrupt }, quiet);
      results.push(result);
      if (!options.json) for (const line of resultText(result, golden)) out.line(line);
    }
  } finally {
    interrupt.release();
  }
  if (options.json) out.line(JSON.stringify(results, null, 2));
  return results;
}

/** A missing image is built; one that is older than its sources is used, and said to be so. */
async function readyImages(tasks: TaskDefinition[], { json }: TestOptions, out: Output): Promise<void> {
  const { engine } = await findEngine();
  await buildMissingImages(engine, tasks, out, { quiet: json });
  if (!engine) return;
  for (const task of tasks) {
    if (!(await imageIsCurrent(engine, task)))
      out.note(`The image ${task.image} is older than its sources: longshore image build ${task.name}`);
  }
}
