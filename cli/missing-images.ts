/** Images that this machine was never given are built before the first job needs them: a clone works right after `npm ci`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { askEngine, type Engine } from '../lib/local/engine.ts';
import { loadEngineEnv } from './engine-env.mjs';
import { buildImage, type Imaged } from './images.ts';
import { PROJECT } from './project.ts';
import type { Output } from './streams.ts';

const SET_UP = join(PROJECT, 'scripts/engine/ensure.sh');

/**
 * An image that is there is left alone, also when its sources have changed since: `longshore doctor` tells of that. Without
 * an engine nothing is built: jobs run on the host, or say what is missing. Throws when the build fails.
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
    const { exitCode } = await askEngine(engine.kind, ['image', 'inspect', task.image]);
    if (exitCode === 0) continue;
    if (!quiet) out.note(`There is no image ${task.image} yet: building it, once (a few minutes)`);
    await setUp(quiet);
    await buildImage(engine, task, { stdio: quiet ? 'ignore' : 'inherit' });
  }
}

/** Finds the settings under which containers start here, and the base image. What it cannot do, the build says again. */
async function findSettings(quiet: boolean): Promise<void> {
  if (!existsSync(SET_UP)) return;
  const out = quiet ? 'ignore' : process.stderr;
  await execa('bash', [SET_UP], { reject: false, stdin: 'ignore', stdout: out, stderr: out });
  loadEngineEnv(process.env);
}
