/** `longshore drop FILE… --task NAME`: puts files where the pipeline picks them up. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, Transform } from 'node:stream';
import type { Command } from 'commander';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { isUnfinished } from '../../lib/local/watch.ts';
import { openBackend } from '../backend.ts';
import { UsageError } from '../errors.ts';
import { formatBytes } from '../format.ts';
import type { Shell } from '../main.ts';
import { awsFlags, withBackend, withJson, type CommonOptions } from '../options.ts';
import type { Output } from '../streams.ts';
import { findTask, readTasks } from '../tasks-folder.ts';

export interface Dropped {
  file: string;
  uri: string;
  bytes: number;
  sha256: string;
}

export function declare(program: Command, { out }: Shell): void {
  const command = program.command('drop').argument('<file...>', 'files to process');
  withJson(withBackend(command))
    .description('Copy files into the uploads of a task. `longshore up` (or AWS) does the rest.')
    .requiredOption('--task <name>', 'the task that is to process them')
    .action(async (files: string[], options: CommonOptions & { task: string }) => {
      const task = findTask(await readTasks(), options.task);
      await checkFiles(task, files);
      if (options.backend === 'local') checkNames(files);
      const { ctx } = await openBackend(options, out);
      const dropped = await dropFiles(ctx, task, files, out);
      if (options.json) return out.line(JSON.stringify(dropped, null, 2));
      for (const { uri, bytes } of dropped) out.line(`${uri}  ${formatBytes(bytes)}`);
      out.note(nextStep(options));
    });
}

/** All are looked at before the first is copied: half a drop is worse than none. Throws {@link UsageError}. */
export async function checkFiles(task: TaskDefinition, files: string[]): Promise<void> {
  const faults: string[] = [];
  const names = new Map<string, string>();
  for (const file of files) {
    const name = basename(file);
    const same = names.get(name);
    if (same !== undefined)
      faults.push(`${file} and ${same} have the same name, and one would replace the other`);
    names.set(name, file);
    faults.push(...(await fileFaults(task, file)));
  }
  if (faults.length > 0) throw new UsageError(`Nothing was copied. ${faults.join('; ')}`);
}

/** Throws {@link UsageError} for files that would lie in the uploads folder for ever. */
function checkNames(files: string[]): void {
  const passedOver = files.filter((file) => isUnfinished(basename(file)));
  if (passedOver.length === 0) return;
  throw new UsageError(
    `Nothing was copied. ${passedOver.join(', ')}: names that begin with a dot, or end as unfinished files do (.part, .tmp, ` +
      '.crdownload, .filepart), are not taken. Rename it, or give it to  longshore run',
  );
}

async function fileFaults(task: TaskDefinition, file: string): Promise<string[]> {
  try {
    if (!(await stat(file)).isFile()) return [`${file} is not a file`];
  } catch (error) {
    return [`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`];
  }
  if (task.accepts.some((ending) => file.toLowerCase().endsWith(ending.toLowerCase()))) return [];
  const takes = task.accepts.map((ending) => `*${ending}`).join(', ');
  return [`${file} is not what ${task.name} takes (${takes || 'it takes no files, only parameters'})`];
}

export async function dropFiles(
  ctx: Pick<PipelineContext, 'stores'>,
  task: TaskDefinition,
  files: string[],
  out: Output,
): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for (const file of files) {
    const key = `${task.name}/${basename(file)}`;
    dropped.push({ file, ...(await copyIn(ctx, file, key, out)) });
  }
  return dropped;
}

/** Copies a file into the uploads store; nobody sees it there before it is whole. */
export async function copyIn(
  { stores }: Pick<PipelineContext, 'stores'>,
  file: string,
  key: string,
  out: Output,
): Promise<Omit<Dropped, 'file'> & { key: string; etag: string }> {
  const { size } = await stat(file);
  const hash = createHash('sha256');
  let done = 0;
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      done += chunk.length;
      out.status(`copying ${basename(file)}  ${formatBytes(done)} of ${formatBytes(size)}`);
      next(null, chunk);
    },
  });
  const source = createReadStream(file, { highWaterMark: 1 << 20 });
  const body = Readable.from(source.pipe(watch));
  source.on('error', (error) => watch.destroy(error));
  const { bytes, etag } = await stores.uploads.put(key, body);
  out.status();
  return { key, uri: stores.uploads.uri(key), bytes, etag, sha256: hash.digest('hex') };
}

function nextStep(options: CommonOptions): string {
  const { backend, home } = options;
  return backend === 'aws'
    ? `The jobs start by themselves;  longshore status ${awsFlags(options)}  shows them.`
    : `The jobs start as soon as  longshore up --home ${home}  runs (if it does, they have started);  longshore status --home ${home}  shows them.`;
}
