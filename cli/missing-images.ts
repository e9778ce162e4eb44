/** Images are built before the first job needs them: a clone works right after `npm ci`, and so does one that was updated. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { askEngine, NO_SUCH_IMAGE, type Engine } from '../lib/local/engine.ts';
import { loadEngineEnv } from './engine-env.mjs';
import { CliError } from './errors.ts';
import { buildImage, imageIsCurrent, type Imaged } from './images.ts';
import { PROJECT } from './project.ts';
import type { Output } from './streams.ts';

const SET_UP = join(PROJECT, 'scripts/engine/ensure.sh');

/**
 * Those that are missing, and those of ours that are older than their sources: a task file and its image belong together.
 * Without an engine nothing is built: jobs run on the host, or say what is missing. Throws when the build of one that is missing
 * fails; an old one is better than none.
 */
export async function buildMissingImages(
  engine: Engine | undefined,
  tasks: Iterable<Imaged>,
  out: Output,
  { quiet, setUp = findSettings }: { quiet: boolean; setUp?: (quiet: boolean) => Promise<void> },
): Promise<void> {
  if (!engine) return;
  for (const task of tasks) {
    if (!existsSync(join(PROJECT, 'containers', task.name, 'Dockerfile'))) continue;
    const { exitCode, stderr } = await askEngine(engine.kind, ['image', 'inspect', task.image]);
    const isThere = exitCode === 0;
    // What the engine cannot tell now is no reason to build for minutes: the launch asks again, and says so.
    if (!isThere && !NO_SUCH_IMAGE.test(stderr)) continue;
    if (isThere && (await imageIsCurrent(engine, task))) continue;
    if (!quiet)
      out.note(
        isThere
          ? `The image ${task.image} is older than containers/${task.name}: building it again`
          : `There is no image ${task.image} yet: building it, once (a few minutes)`,
      );
    await setUp(quiet);
    try {
      await buildImage(engine, task, { stdio: quiet ? 'ignore' : 'inherit' });
    } catch (error) {
      if (!isThere || !(error instanceof CliError)) throw error;
      out.note(`longshore: ${error.message}\nJobs run in the older image.`);
    }
  }
}

/** Finds the settings under which containers start here, and the base image. What it cannot do, the build says again. */
async function findSettings(quiet: boolean): Promise<void> {
  if (!existsSync(SET_UP)) return;
  const out = quiet ? 'ignore' : process.stderr;
  await execa('bash', [SET_UP], { reject: false, stdin: 'ignore', stdout: out, stderr: out });
  loadEngineEnv(process.env);
}
