/** The runner's names for launches: made from home and launch, so that a launch twice has one name. */
import { join } from 'node:path';
import { stagingKeys } from '../pipeline/attempt-record.ts';
import { parseLaunchId } from '../pipeline/launch-id.ts';

/** Folders of packs, below the staging store's root. */
const PACKS = '.packs';

/**
 * `homeId` tells this home's containers from those of other homes on the machine. Engines take letters, digits and `_.-`;
 * no job's id has a dot.
 */
export function refOf(homeId: string, launch: string): string {
  const name = parseLaunchId(launch);
  if (!name) throw new Error(`"${launch}" cannot be a launch’s name`);
  const text = 'pack' in name ? `pack.${name.pack}` : `${name.job}-${name.attempt}`;
  return `longshore-${homeId}-${text}`;
}

/** The launch's name; `undefined` for a ref of another home. No name here leads out of its folder. */
export function parseRef(homeId: string, ref: string): string | undefined {
  const prefix = `longshore-${homeId}-`;
  const text = ref.startsWith(prefix) ? ref.slice(prefix.length) : '';
  const launch = text.startsWith('pack.') ? text.replace('.', '/') : text.replace(/-([1-9]\d*)$/, '/$1');
  return parseLaunchId(launch) && launch;
}

/** The attempt's folder below the staging store's root, which is also where its staged outputs are. */
export const attemptDir = (work: string, { job, attempt }: { job: string; attempt: number }): string =>
  join(work, stagingKeys.attempt(job, attempt));

/** Where the runner keeps what it knows of a launch: the attempt's own folder, or one of the pack. */
export function launchDir(work: string, launch: string): string {
  const name = parseLaunchId(launch);
  if (!name) throw new Error(`"${launch}" cannot be a launch’s name`);
  return 'pack' in name ? join(work, PACKS, name.pack) : attemptDir(work, name);
}
