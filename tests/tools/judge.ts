/** Judges: programs of others (Java, in an image of their own) that say what is in a file we made. */
import { execFile } from 'node:child_process';
import { basename, dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findEngine } from '../../lib/local/engine.ts';

const run = promisify(execFile);

/** A report may list every tile: that of a large country has tens of MB. */
const MOST_OUTPUT = 512 * 1024 * 1024;

export class NoEngineError extends Error {
  override name = 'NoEngineError';
}

/** The engine's command. Throws {@link NoEngineError}, saying what was tried. */
export async function engineCommand(): Promise<string> {
  const { engine, tried } = await findEngine();
  if (!engine)
    throw new NoEngineError(`No container engine: ${tried.join('; ')}. Install podman, or start Docker`);
  return engine.kind;
}

export interface Judge {
  /** Tag of its image, built at first use. */
  image: string;
  /** Folder of its Dockerfile. */
  folder: string;
}

/** What the judge prints about these files, as JSON. Throws with its last words when it fails. */
export async function ask<T>(judge: Judge, paths: readonly string[], ...rest: string[]): Promise<T> {
  const engine = await engineCommand();
  await ensureImage(engine, judge);
  const mounts = paths.flatMap((path, i) => ['--volume', `${dirname(resolve(path))}:/file${i}:ro`]);
  const inside = paths.map((path, i) => `/file${i}/${basename(path)}`);
  const command = ['run', '--rm', '--network=none', ...mounts, judge.image, ...inside, ...rest];
  try {
    const { stdout } = await run(engine, command, { maxBuffer: MOST_OUTPUT });
    // Each judge is ours and prints what its type says: its answer is not checked field by field.
    return JSON.parse(stdout) as T;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const words = stderr.split('\n').at(-1) || String(error);
    throw new Error(`${judge.image} failed on ${paths.join(' and ')}: ${words}`, { cause: error });
  }
}

const built = new Map<string, Promise<unknown>>();

/** Once a process, and from the engine's cache unless the judge changed: a stale image would be a stale judge. */
async function ensureImage(engine: string, { image, folder }: Judge): Promise<void> {
  const network = process.env['LONGSHORE_BUILD_NETWORK'] ?? 'host';
  const building =
    built.get(image) ??
    run(engine, ['build', `--network=${network}`, '--tag', image, folder], { maxBuffer: MOST_OUTPUT });
  built.set(image, building);
  await building;
}
