/** `longshore image build|test|shell|push`: the images of the tasks. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { execa } from 'execa';
import { askEngine } from '../../lib/local/engine.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { needEngine } from '../engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { BASE, buildImage, STAGE, type Imaged } from '../images.ts';
import type { Shell } from '../main.ts';
import { withJson, withStage } from '../options.ts';
import { PROJECT } from '../project.ts';
import { findDestination, pushImage, type PushOptions } from '../push.ts';
import { buildRelease } from '../release.ts';
import type { Output } from '../streams.ts';
import { findTask, readTasks } from '../tasks-folder.ts';

interface BuildOptions {
  tag?: string;
  release?: string;
  commit?: string;
  json: boolean;
}

export function declare(program: Command, { out, exit }: Shell): void {
  const image = program.command('image').description('Build, test, try and push the images of tasks.');
  withJson(
    image
      .command('build')
      .argument('[task]', 'default: all tasks; also `stage` (Fargate tasks need it besides) and `base`'),
  )
    .description('Build from containers/TASK, as longshore/TASK:develop, :latest and :COMMIT.')
    .option('--tag <tag>', 'one more tag')
    .option(
      '--release <version>',
      'build a commit as it is, as :vX.Y.Z and :COMMIT; nothing of the working tree goes in',
    )
    .option('--commit <name>', 'with --release: which one (default: the git tag vX.Y.Z, else HEAD)')
    .action(async (name: string | undefined, options: BuildOptions) => {
      await buildImages(await imaged(name), options, out);
    });
  image
    .command('test')
    .argument('[task]', 'default: every image that has tests; also `base`')
    .description("Run the image's own tests, containers/TASK/test.sh.")
    .action(async (name: string | undefined) => {
      exit(await testImages(await tested(name), out));
    });
  image
    .command('shell')
    .argument('<task>')
    .description('Open a shell in the image, with no network but what the task has.')
    .action(async (name: string) => {
      exit(await openShell((await chosen(name))[0]!));
    });
  withStage(withJson(image.command('push').argument('[task]', 'or `stage`; default: all tasks, and `stage`')))
    .description('Push images, and write down their digests for the stack.')
    .option('--registry <host/path>', "default: this account's ECR, what belongs to the stage in it")
    .option('--tag <tag>', 'which one; a version (vX.Y.Z) is never overwritten', 'develop')
    .action(async (name: string | undefined, options: PushOptions & { json: boolean }) => {
      await pushImages(
        name === undefined ? [STAGE, ...(await chosen(name))] : await imaged(name),
        options,
        out,
      );
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

async function buildImages(
  tasks: Imaged[],
  { tag, release, commit, json }: BuildOptions,
  out: Output,
): Promise<void> {
  if (commit !== undefined && release === undefined)
    throw new UsageError('--commit goes with --release vX.Y.Z: without it the working tree is built');
  if (tag !== undefined && release !== undefined)
    throw new UsageError(`A release has the tags ${release} and its commit: leave out --tag ${tag}`);
  const engine = await needEngine();
  const built = new Map<string, string[]>();
  if (release === undefined) {
    for (const task of tasks)
      built.set(
        task.name,
        await buildImage(engine, task, { stdio: 'inherit', ...(tag === undefined ? {} : { tag }) }),
      );
  } else {
    const options = {
      version: release,
      stdio: 'inherit' as const,
      ...(commit === undefined ? {} : { commit }),
    };
    for (const [task, tags] of await buildRelease(engine, tasks, options)) built.set(task, tags);
  }
  if (json)
    return out.line(
      JSON.stringify(
        [...built].map(([task, tags]) => ({ task, tags })),
        null,
        2,
      ),
    );
  for (const tags of built.values()) out.line(tags.join('\n'));
}

const testScript = ({ name }: Imaged): string => join(PROJECT, 'containers', name, 'test.sh');

/** Those that have tests. Throws {@link UsageError} for one that was named and has none. */
async function tested(name: string | undefined): Promise<Imaged[]> {
  const images = name === undefined ? [BASE, ...(await chosen(name))] : await imaged(name);
  const found = images.filter((image) => existsSync(testScript(image)));
  if (found.length > 0) return found;
  throw new UsageError(
    `containers/${name}/test.sh is not there: the image has no tests of its own (its golden data: longshore test ${name})`,
  );
}

/** Returns the exit code: that of the first script that fails. */
async function testImages(images: Imaged[], out: Output): Promise<number> {
  const { kind } = await needEngine();
  for (const task of images) {
    const image = `${task.image}:latest`;
    await needImage(kind, task, image);
    out.note(`${task.name}: containers/${task.name}/test.sh`);
    const { exitCode } = await execa('sh', [testScript(task)], {
      reject: false,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ENGINE: kind, IMAGE: image },
    });
    if (exitCode !== 0) {
      out.note(`${task.name}: its tests failed (exit code ${exitCode})`);
      return EXIT.failed;
    }
  }
  return EXIT.ok;
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

async function pushImages(
  images: Imaged[],
  options: PushOptions & { json: boolean },
  out: Output,
): Promise<void> {
  const { kind } = await needEngine();
  const destination = await findDestination(kind, options);
  const pushed = [];
  for (const task of images) pushed.push(await pushImage(kind, task, destination, options));
  if (options.json) return out.line(JSON.stringify(pushed, null, 2));
  for (const { name, digest, pushed: done } of pushed)
    out.line(`${name}@${digest}${done ? '' : '  (it was there)'}`);
  out.note(`Written down in ${pushed[0]!.record}: the next deployment of stage ${options.stage} runs these`);
}

async function needImage(kind: string, task: Imaged, image: string): Promise<void> {
  const { exitCode } = await askEngine(kind as 'docker' | 'podman', ['image', 'inspect', image]);
  if (exitCode !== 0)
    throw new EnvironmentError(
      `There is no image ${image} on this machine: longshore image build ${task.name}`,
    );
}
