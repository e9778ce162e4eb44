/**
 * Opens points of interest with mapsforge's own classes (Debian's libmapsforge-java) in a container: a judge that shares
 * no code with the writer's side. The image is built at first use.
 */
import { execFile } from 'node:child_process';
import { basename, dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findEngine } from '../mapreader/engine.ts';

const run = promisify(execFile);

export const IMAGE = 'longshore/poireader:develop';
/** A report lists every name: a large country has some MB of them. */
const MOST_OUTPUT = 256 * 1024 * 1024;

export interface PoiReport {
  /** `bounds`, `comment`, `date` (milliseconds since 1970), `language`, `version`, `ways`, `writer`, as stored. */
  metadata: Record<string, string | null>;
  /** Degrees: west, south, east, north. */
  bbox: [number, number, number, number];
  /** Title of the category that readers take for the root: the one with the highest id. */
  root: string;
  /** The categories below the root, as `Food/Cafes`. */
  tree: string[];
  /** How many points a search for the root category in the whole box finds. */
  found: number;
  /** How many points the file holds. */
  stored: number;
  /** How many points a search for a category finds, those of the categories below it included, by title. */
  byCategory: Record<string, number>;
  /** The names found, in the asked language where there is one. */
  names: string[];
}

/**
 * What a user of a reader finds in a POI file (format 3).
 *
 * @throws Error when there is no engine, or a reader could not work with the file
 */
export async function readPoi(path: string, language?: string): Promise<PoiReport> {
  const engine = await findEngine();
  await ensureImage(engine);
  const asked = language === undefined ? [] : [language];
  const volume = `${dirname(resolve(path))}:/poi:ro`;
  const command = [
    'run',
    '--rm',
    '--network=none',
    '--volume',
    volume,
    IMAGE,
    `/poi/${basename(path)}`,
    ...asked,
  ];
  try {
    // The reader is ours and prints what the type says: its answer is not checked field by field.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return JSON.parse((await run(engine, command, { maxBuffer: MOST_OUTPUT })).stdout) as PoiReport;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`The POI reader failed on ${path}: ${stderr.split('\n').at(-1) || String(error)}`, {
      cause: error,
    });
  }
}

/** Once a process, and from the engine's cache unless the reader changed: a stale image would be a stale judge. */
function ensureImage(engine: string): Promise<unknown> {
  built ??= run(engine, ['build', '--network=host', '--tag', IMAGE, import.meta.dirname], {
    maxBuffer: MOST_OUTPUT,
  });
  return built;
}

let built: Promise<unknown> | undefined;
