/** Real extracts to test with, where somebody has put them. They are no part of the project. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SIBLING = fileURLToPath(new URL('../../../shared/data/geofabrik', import.meta.url));

/**
 * A folder in the layout of Geofabrik's download server (`europe/monaco-latest.osm.pbf`, `.md5`, `europe/monaco.poly`):
 * `LONGSHORE_REAL_DATA`, or `shared/data/geofabrik` beside the repository; `undefined` where there is none. A folder that
 * is named and not there is an error: tests that were meant to run must not be skipped quietly.
 */
export function findRealData(env: NodeJS.ProcessEnv): string | undefined {
  const named = env.LONGSHORE_REAL_DATA;
  if (named === undefined || named === '') return existsSync(SIBLING) ? SIBLING : undefined;
  const folder = resolve(named);
  if (!existsSync(folder)) throw new Error(`LONGSHORE_REAL_DATA is ${named}, and there is no such folder`);
  return folder;
}
