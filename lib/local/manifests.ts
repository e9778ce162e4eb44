/** Manifests by name or path, with the index that they may name read from a file or by HTTP. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAddress } from '../areas/read-address.ts';
import { manifestText } from '../pipeline/manifest-faults.ts';
import type { ManifestDefaults } from '../pipeline/manifest.ts';
import {
  resolveManifestText,
  type ResolvedManifest,
  type ResolveOptions,
} from '../pipeline/resolve-manifest.ts';
import type { Fetch } from '../ports.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { hasCode } from './errors.ts';

/** The manifests that come with longshore: `world` is `manifests/world.json`. */
export const SHIPPED = fileURLToPath(new URL('../../manifests/', import.meta.url));

export class ManifestMissingError extends Error {
  override name = 'ManifestMissingError';
}

export interface ManifestParts {
  tasks: ReadonlyMap<string, TaskDefinition>;
  /** They give way to what the manifest says itself. */
  defaults?: ManifestDefaults;
  fetch?: Fetch;
  /** In place of reading the index that the manifest names: a world known beforehand. */
  readIndex?: ResolveOptions['readIndex'];
}

/**
 * `nameOrPath`: a path, or a bare name for a file of {@link SHIPPED}. Throws {@link ManifestMissingError}, `BadManifestError`,
 * `BadIndexError`, or what reading the index ended with.
 */
export async function resolveManifest(
  nameOrPath: string,
  { tasks, defaults = {}, fetch = globalThis.fetch, readIndex }: ManifestParts,
): Promise<ResolvedManifest> {
  const { path, text } = await readManifestFile(nameOrPath);
  return await resolveManifestText(text, path, {
    tasks,
    defaults,
    readIndex: readIndex ?? (async (index) => await readIndexAt(index, dirname(path), fetch)),
  });
}

async function readManifestFile(nameOrPath: string): Promise<{ path: string; text: string }> {
  const isBare = basename(nameOrPath) === nameOrPath;
  const candidates = isBare ? [nameOrPath, join(SHIPPED, `${nameOrPath}.json`)] : [nameOrPath];
  for (const path of candidates) {
    try {
      return { path, text: manifestText(await readFile(path), path) };
    } catch (error) {
      // A folder of that name is not meant.
      if (!hasCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR')) throw error;
    }
  }
  const looked = isBare ? `: neither a file of that name here, nor ${candidates[1]}` : '';
  throw new ManifestMissingError(`There is no manifest "${nameOrPath}"${looked}`);
}

async function readIndexAt(
  index: string,
  folder: string,
  fetch: Fetch,
): Promise<{ uri: string; text: string }> {
  if (/^https?:/.test(index)) return { uri: index, text: await readAddress(index, fetch) };
  const uri = resolve(folder, index);
  try {
    return { uri, text: await readFile(uri, 'utf8') };
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES')) throw error;
    throw new ManifestMissingError(
      `The index ${uri} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      {
        cause: error,
      },
    );
  }
}
