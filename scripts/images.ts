/** Builds the images of all tasks, and the base image, that are missing or older than their sources: `node scripts/images.ts`. */
import { needEngine } from '../cli/engine.ts';
import { CliError } from '../cli/errors.ts';
import { BASE, buildImage, imageIsCurrent } from '../cli/images.ts';
import { readTasks } from '../cli/tasks-folder.ts';

export async function ensureImages(): Promise<void> {
  const engine = await needEngine();
  for (const task of [BASE, ...(await readTasks()).values()]) {
    if (await imageIsCurrent(engine, task)) continue;
    const started = Date.now();
    console.error(`Building the image ${task.image} (the first time it downloads its tools; a few minutes)`);
    await buildImage(engine, task, { stdio: 'inherit' });
    console.error(`${task.image} built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
}

if (import.meta.main) {
  try {
    await ensureImages();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}
