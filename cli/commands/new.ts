/** `longshore new task NAME`: a folder in tasks/, one in containers/, and golden data, that work as they are. */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { askEngine } from '../../lib/local/engine.ts';
import { needEngine } from '../engine.ts';
import { UsageError } from '../errors.ts';
import type { Shell } from '../main.ts';
import { newTask, type NewTask, type TemplateName } from '../new-task.ts';
import { checkName } from '../new-task-names.ts';
import { withJson } from '../options.ts';

interface NewOptions {
  accepts: string[];
  handler: 'python' | 'shell';
  from?: string;
  json: boolean;
}

export function declare(program: Command, { out }: Shell): void {
  const verb = program.command('new').description('Make a new task.');
  withJson(verb.command('task').argument('<name>', 'letters, digits and "-"'))
    .argument(
      '[command...]',
      'with --from, after "--": how the image is started; INPUT and OUTPUT are put behind it',
    )
    .description('Make tasks/NAME and containers/NAME, with golden data, and register the task.')
    .option(
      '--accepts <endings>',
      'endings of the files that it takes, with commas between them',
      readEndings,
      ['.csv'],
    )
    .option(
      '--handler <kind>',
      'what the handler begins as: python (on longshore/base) or shell',
      handlerKind,
      'python',
    )
    .option('--from <image>', 'take an image that is there, e.g. ghcr.io/you/tool:1.2, in place of a handler')
    .action(async (name: string, command: string[], options: NewOptions) => {
      await checkName(name);
      const made = await newTask(await wanted(name, command, options));
      if (options.json) return out.line(JSON.stringify(made, null, 2));
      for (const path of made.files) out.line(relative(process.cwd(), path));
      const update = made.golden ? '' : ' --update';
      out.note(`Now:  longshore image build ${name} && longshore test ${name}${update}`);
      out.note(`Then change tasks/${name}/task.ts and containers/${name}  (docs/tasks.md)`);
    });
}

function readEndings(text: string): string[] {
  const list = text.split(',').map((ending) => ending.trim());
  const bad = list.filter((ending) => !/^\.[A-Za-z0-9._-]*[A-Za-z0-9]$/.test(ending));
  if (bad.length > 0)
    throw new UsageError(`"${bad.join(', ')}": an ending begins with a dot, e.g. --accepts .csv,.osm.pbf`);
  return list;
}

function handlerKind(text: string): string {
  if (text !== 'python' && text !== 'shell')
    throw new UsageError(`--handler is "${text}"; it can be python or shell (or give an image with --from)`);
  return text;
}

async function wanted(
  name: string,
  command: string[],
  { accepts, handler, from }: NewOptions,
): Promise<NewTask> {
  if (from === undefined) {
    if (command.length > 0) throw new UsageError(`A command (${command.join(' ')}) goes with --from IMAGE`);
    return { name, accepts, template: handler satisfies TemplateName };
  }
  if (!/^[\w.:@/-]+$/.test(from)) throw new UsageError(`"${from}" is no name of an image`);
  const words = command.length > 0 ? command : await commandOf(from);
  return { name, accepts, template: 'image', from, command: words };
}

/** What `docker run IMAGE INPUT OUTPUT` would start: the image's entry point, before the two folders. */
async function commandOf(image: string): Promise<string[]> {
  const { kind } = await needEngine();
  const format = '{{json .Config.Entrypoint}}';
  const answer = await askEngine(kind, ['image', 'inspect', '--format', format, image]);
  const how = `say how it is started:  longshore new task NAME --from ${image} -- COMMAND…`;
  if (answer.exitCode !== 0)
    throw new UsageError(
      `The image ${image} is not on this machine: pull it (${kind} pull ${image}), or ${how}`,
    );
  const entry = JSON.parse(answer.stdout.trim() || 'null') as string[] | null;
  if (!entry || entry.length === 0) throw new UsageError(`The image ${image} has no entry point: ${how}`);
  return entry;
}
