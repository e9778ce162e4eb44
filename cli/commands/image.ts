/** `longshore image build|shell|push`: the images of the tasks. */
import type { Command } from 'commander';
import { execa } from 'execa';
import { askEngine } from '../../lib/local/engine.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { needEngine } from '../engine.ts';
import { CliError, EnvironmentError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { BASE, buildImage, STAGE, type Imaged } from '../images.ts';
import type { Shell } from '../main.ts';
import { withJson } from '../options.ts';
import type { Output } from '../streams.ts';
import { findTask, readTasks } from '../tasks-folder.ts';

export function declare(program: Command, { out, exit }: Shell): void {
  const image = program.command('image').description('Build, try and push the images of tasks.');
  withJson(
    image
      .command('build')
      .argument('[task]', 'default: all tasks; also `stage` (Fargate tasks need it besides) and `base`'),
  )
    .description('Build from containers/TASK, as longshore/TASK:develop, :latest and :COMMIT.')
    .option('--tag <tag>', 'one more tag')
    .action(async (name: string | undefined, { tag, json }: { tag?: string; json: boolean }) => {
      await buildImages(await imaged(name), { json, ...(tag === undefined ? {} : { tag }) }, out);
    });
  image
    .command('shell')
    .argument('<task>')
    .description('Open a shell in the image, with no network but what the task has.')
    .action(async (name: string) => {
      exit(await openShell((await chosen(name))[0]!));
    });
  withJson(image.command('push').argument('<task>', 'or `stage`, or `base`'))
    .description('Tag the image for a registry and push it there.')
    .requiredOption('--registry <host/path>', 'e.g. 123456789012.dkr.ecr.eu-west-1.amazonaws.com')
    .option('--tag <tag>', 'which one', 'develop')
    .action(async (name: string, options: PushOptions & { json: boolean }) => {
      const pushed = await pushImage((await imaged(name))[0]!, options);
      out.line(options.json ? JSON.stringify({ image: pushed }) : pushed);
    });
}

async function chosen(name: string | undefined): Promise<TaskDefinition[]> {
  const tasks = await readTasks();
  return name === undefined ? [...tasks.values()] : [findTask(tasks, name)];
}

/** The tasks, and by name also the image of the stage containers, which AWS needs beside them, and the base image. */
async function imaged(name: string | undefined): Promise<Imaged[]> {
  const ours = [STAGE, BASE].find((image) => image.name === name);
  return ours ? [ours] : await chosen(name);
}

export async function buildImages(
  tasks: Imaged[],
  { tag, json }: { tag?: string; json: boolean },
  out: Output,
): Promise<void> {
  const engine = await needEngine();
  const built: { task: string; tags: string[] }[] = [];
  for (const task of tasks) {
    const tags = await buildImage(engine, task, { stdio: 'inherit', ...(tag === undefined ? {} : { tag }) });
    built.push({ task: task.name, tags });
  }
  if (json) return out.line(JSON.stringify(built, null, 2));
  for (const { tags } of built) out.line(tags.join('\n'));
}

/** Returns the shell's exit code. */
async function openShell(task: TaskDefinition): Promise<number> {
  const { kind } = await needEngine();
  await needImage(kind, task, task.image);
  const terminal = process.stdin.isTTY ? ['--tty'] : [];
  const network = task.network ? '--network=host' : '--network=none';
  const args = ['run', '--rm', '--interactive', ...terminal, network, '--entrypoint=sh', task.image];
  const { exitCode } = await execa(kind, args, { reject: false, stdio: 'inherit' });
  return exitCode ?? EXIT.failed;
}

export interface PushOptions {
  registry: string;
  tag: string;
}

/** Returns the pushed name. */
async function pushImage(task: Imaged, { registry, tag }: PushOptions): Promise<string> {
  const target = pushName(task.image, registry, tag);
  const { kind } = await needEngine();
  await needImage(kind, task, `${task.image}:${tag}`);
  const tagged = await askEngine(kind, ['tag', `${task.image}:${tag}`, target]);
  if (tagged.exitCode !== 0)
    throw new CliError(`${kind} could not name the image ${target}: ${tagged.stderr}`, EXIT.failed);
  const { exitCode } = await execa(kind, ['push', target], {
    reject: false,
    stdin: 'ignore',
    stdout: process.stderr,
    stderr: 'inherit',
  });
  if (exitCode !== 0)
    throw new CliError(
      `${kind} could not push ${target} (exit code ${exitCode}). If it asks for a login:  ${kind} login ${registry.split('/')[0]}`,
      EXIT.failed,
    );
  return target;
}

/** Throws {@link UsageError} for what no registry takes. */
export function pushName(image: string, registry: string, tag: string): string {
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/.test(registry))
    throw new UsageError(
      `"${registry}" is no registry: give HOST[:PORT][/PATH] in small letters, without https://`,
    );
  if (!/^\w[\w.-]{0,127}$/.test(tag))
    throw new UsageError(`"${tag}" is no tag: letters, digits, _ . -, at most 128`);
  return `${registry.replace(/\/+$/, '')}/${image}:${tag}`;
}

async function needImage(kind: string, task: Imaged, image: string): Promise<void> {
  const { exitCode } = await askEngine(kind as 'docker' | 'podman', ['image', 'inspect', image]);
  if (exitCode !== 0)
    throw new EnvironmentError(
      `There is no image ${image} on this machine: longshore image build ${task.name}`,
    );
}
