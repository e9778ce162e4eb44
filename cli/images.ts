/** Building the images of tasks, and knowing when they are out of date. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { askEngine, type Engine } from '../lib/local/engine.ts';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { CliError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { PROJECT } from './project.ts';

/** Says which sources an image was made from. */
const SOURCE_LABEL = 'longshore.source';

const PREPARE = 'prepare.mjs';

/** What an image is known by: a task's, or the stage containers'. */
export type Imaged = Pick<TaskDefinition, 'name' | 'image'>;

/** What handlers may start from: the field's common tools and the Python package `longshore`. No task needs it. */
export const BASE: Imaged = { name: 'base', image: 'longshore/base' };

/** Brings inputs to Fargate tasks and takes their outputs away; nothing on one machine needs it. */
export const STAGE: Imaged = { name: 'stage', image: 'longshore/stage' };

export interface BuildOptions {
  /** Besides `develop`, `latest` (what jobs on this machine run) and the commit. */
  tag?: string;
  /** Where the engine's own messages go. */
  stdio: 'inherit' | 'ignore';
}

/** The folder with the task's Dockerfile. Throws {@link UsageError} for a task whose image is made elsewhere. */
export function containerFolder(task: Imaged): string {
  const folder = join(PROJECT, 'containers', task.name);
  if (existsSync(join(folder, 'Dockerfile'))) return folder;
  throw new UsageError(
    `There is no ${relative(process.cwd(), join(folder, 'Dockerfile'))}: the image ${task.image} is not built here`,
  );
}

/** Images of this project that the folder's Dockerfile starts from: `FROM longshore/base`. */
export async function parentsOf(folder: string): Promise<Imaged[]> {
  const dockerfile = await readFile(join(folder, 'Dockerfile'), 'utf8');
  const names = [...dockerfile.matchAll(/^FROM\s+(?:--\S+\s+)*(?:localhost\/)?longshore\/([a-z0-9-]+)/gim)];
  return [...new Set(names.map(([, name = '']) => name))]
    .filter((name) => existsSync(join(PROJECT, 'containers', name, 'Dockerfile')))
    .map((name) => ({ name, image: `longshore/${name}` }));
}

/**
 * Returns the tags that the image got. An image of ours that it starts from is built first, where it is missing or old: no
 * registry has it. Throws {@link CliError} when the build fails.
 */
export async function buildImage(
  engine: Engine,
  task: Imaged,
  { tag, stdio }: BuildOptions,
): Promise<string[]> {
  const folder = containerFolder(task);
  for (const parent of await parentsOf(folder)) {
    if (!(await imageIsCurrent(engine, parent))) await buildImage(engine, parent, { stdio });
  }
  // What is prepared is made of the whole project.
  const commit = await cleanCommit(existsSync(join(folder, PREPARE)) ? PROJECT : folder);
  const names = [
    'develop',
    'latest',
    ...(commit === undefined ? [] : [commit]),
    ...(tag === undefined ? [] : [tag]),
  ];
  return await buildFolder(engine, task, folder, { names, stdio });
}

/** Builds one folder as it is, under these tags, and returns them whole. Throws {@link CliError} when the build fails. */
export async function buildFolder(
  engine: Engine,
  task: Imaged,
  folder: string,
  { names, stdio }: { names: string[]; stdio: BuildOptions['stdio'] },
): Promise<string[]> {
  await prepare(folder);
  const tags = [...new Set(names)].map((name) => `${task.image}:${name}`);
  const network = process.env.LONGSHORE_BUILD_NETWORK;
  const args = [
    'build',
    ...tags.map((one) => `--tag=${one}`),
    `--label=${SOURCE_LABEL}=${await sourceHash(folder)}`,
    ...(network ? [`--network=${network}`] : []),
    folder,
  ];
  // On stderr: stdout is for results.
  const out = stdio === 'inherit' ? process.stderr : 'ignore';
  const { exitCode } = await execa(engine.kind, args, {
    reject: false,
    stdin: 'ignore',
    stdout: out,
    stderr: out,
  });
  if (exitCode !== 0)
    throw new CliError(
      `${engine.kind} could not build ${task.image} from ${folder} (exit code ${exitCode}): its messages are above; run  longshore image build ${task.name}  to see them again`,
      EXIT.failed,
    );
  return tags;
}

/** Runs the folder's `prepare.mjs`, if it has one: it makes what the Dockerfile copies from outside the folder. */
async function prepare(folder: string): Promise<void> {
  const script = join(folder, PREPARE);
  if (!existsSync(script)) return;
  const { exitCode } = await execa(process.execPath, [script], {
    reject: false,
    stdin: 'ignore',
    stdout: process.stderr,
    stderr: 'inherit',
  });
  if (exitCode !== 0)
    throw new CliError(`${script} failed (exit code ${exitCode}): its messages are above`, EXIT.failed);
}

/** Whether the image that jobs run here was made from the sources as they are now. */
export async function imageIsCurrent(engine: Engine, task: Imaged): Promise<boolean> {
  const format = `{{index .Config.Labels "${SOURCE_LABEL}"}}`;
  const answer = await askEngine(engine.kind, [
    'image',
    'inspect',
    '--format',
    format,
    `${task.image}:latest`,
  ]);
  return answer.exitCode === 0 && answer.stdout.trim() === (await sourceHash(containerFolder(task)));
}

/**
 * SHA-256 over names and contents of a folder's files, what Python and mypy leave behind excepted, and of the folders of the
 * images that it starts from.
 */
export async function sourceHash(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => !/(^|\/)(__pycache__|\.mypy_cache)\//.test(name))
    .sort();
  const hash = createHash('sha256');
  for (const name of files) {
    const body = await readFile(join(folder, name));
    hash.update(`${name}\0${body.length}\0`).update(body);
  }
  if (files.includes('Dockerfile')) {
    for (const parent of await parentsOf(folder)) hash.update(await sourceHash(containerFolder(parent)));
  }
  return hash.digest('hex');
}

/** The short commit, if the folder is as committed; an image of anything else must not carry its name. */
async function cleanCommit(folder: string): Promise<string | undefined> {
  const git = async (...args: string[]) => await execa('git', ['-C', folder, ...args], { reject: false });
  const changes = await git('status', '--porcelain', '--', '.');
  if (changes.exitCode !== 0 || changes.stdout !== '') return undefined;
  const head = await git('rev-parse', '--short=12', 'HEAD');
  return head.exitCode === 0 ? head.stdout.trim() : undefined;
}
