/** Makes a new task from templates/, and registers it. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { identifier } from './new-task-names.ts';
import { PROJECT } from './project.ts';

export type TemplateName = 'python' | 'shell' | 'image';

export interface NewTask {
  name: string;
  accepts: string[];
  template: TemplateName;
  /** Of the template `image`: what it starts from, and how. */
  from?: string;
  command?: string[];
}

export interface Made {
  /** What was written, in order. */
  files: string[];
  /** Whether there is golden output: not for a command that only its owner knows. */
  golden: boolean;
}

const TEMPLATES = join(PROJECT, 'templates');
const INDEX = join(PROJECT, 'tasks/index.ts');

/** All or nothing: what was written before a failure is removed again. */
export async function newTask(task: NewTask): Promise<Made> {
  const folders = ['tasks', 'containers'].map((folder) => join(PROJECT, folder, task.name));
  const index = await readFile(INDEX, 'utf8');
  try {
    const files = [
      ...(await fill('readme', folders[0]!, task)),
      ...(await fill(task.template === 'image' ? 'image-task' : 'task', folders[0]!, task)),
      ...(await fill(task.template, folders[1]!, task)),
      ...(await goldenData(join(folders[0]!, 'data'), task)),
    ];
    await writeFile(INDEX, registered(index, task.name));
    await format([...files, INDEX].filter((path) => path.endsWith('.ts')));
    await generateDocuments();
    return { files: [...files, INDEX], golden: task.template !== 'image' };
  } catch (error) {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
    await writeFile(INDEX, index);
    throw error;
  }
}

/** Copies a template, with this task's words in place of its own. Returns what was written. */
async function fill(
  template: TemplateName | 'readme' | 'task' | 'image-task',
  to: string,
  task: NewTask,
): Promise<string[]> {
  const from = join(TEMPLATES, template);
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const written: string[] = [];
  for (const file of files.sort()) {
    const path = join(to, relative(from, file));
    await write(path, filled(await readFile(file, 'utf8'), task));
    await chmod(path, (await stat(file)).mode);
    written.push(path);
  }
  return written;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** The words that templates have in place of a task's own: they are files like all others, and are checked like them. */
function filled(text: string, { name, accepts, template, from, command }: NewTask): string {
  const words = command ?? (template === 'python' ? ['python3', `/opt/${name}/handler.py`] : [name]);
  return text
    .replaceAll("'task-command'", () => list(words))
    .replaceAll("accepts: ['.txt']", () => `accepts: [${list(accepts)}]`)
    .replaceAll('task-name', name)
    .replaceAll('base-image', () => from ?? '');
}

const list = (items: string[]): string => items.map((item) => JSON.stringify(item)).join(', ');

/** A sample that goes in, and what the template's handler makes of it. */
async function goldenData(data: string, { accepts, template, name }: NewTask): Promise<string[]> {
  const sample = await readFile(join(TEMPLATES, 'data/sample'), 'utf8');
  const compare = await readFile(join(TEMPLATES, 'data/compare.json'), 'utf8');
  const file = `sample${accepts[0]}`;
  const counted = { file, bytes: Buffer.byteLength(sample), lines: sample.split('\n').length - 1 };
  const files: [string, string][] = [
    ['compare.json', compare],
    [`input/${file}`, sample],
    template === 'image'
      ? ['output/.gitkeep', '']
      : [`output/${file}.json`, `${JSON.stringify(counted, null, 2)}\n`],
  ];
  for (const [path, text] of files) await write(join(data, path), text.replaceAll('task-name', name));
  return files.map(([path]) => join(data, path));
}

/** tasks/index.ts with one task more, in the order of the names. Throws when it is not as this expects. */
export function registered(index: string, name: string): string {
  const imports = [...index.matchAll(/^import (\w+) from '\.\/([^/']+)\/task\.ts';\n/gm)];
  const call = /taskMap\(\[([^\]]*)\]\)/;
  if (!call.test(index))
    throw new CliError(
      `tasks/index.ts has no taskMap([…]): put the task ${name} into it by hand`,
      EXIT.failed,
    );
  const all = [
    ...imports.map(([, id = '', folder = '']) => ({ id, folder })),
    { id: identifier(name), folder: name },
  ].sort((a, b) => (a.folder < b.folder ? -1 : 1));
  const without = imports.reduce((text, [line]) => text.replace(line, ''), index);
  const lines = all.map(({ id, folder }) => `import ${id} from './${folder}/task.ts';\n`).join('');
  const ids = all.map(({ id }) => id);
  return without
    .replace(/(import \{ taskMap \}[^\n]*\n)/, (line) => `${line}${lines}`)
    .replace(call, () => `taskMap([${ids.join(', ')}])`);
}

/** As `npm run format` would; an installation without the tools of development leaves them as they are. */
async function format(paths: string[]): Promise<void> {
  const oxfmt = join(PROJECT, 'node_modules/.bin/oxfmt');
  if (existsSync(oxfmt)) await execa(process.execPath, [oxfmt, ...paths], { cwd: PROJECT, stdin: 'ignore' });
}

/** In another process: this one has read tasks/index.ts as it was. */
async function generateDocuments(): Promise<void> {
  const { exitCode, stderr } = await execa(process.execPath, [join(PROJECT, 'tasks/generate.ts')], {
    reject: false,
    stdin: 'ignore',
  });
  if (exitCode !== 0) throw new CliError(`tasks/generate.ts failed: ${stderr}`, EXIT.failed);
}
