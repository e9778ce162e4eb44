/** Manifests as the verbs open them: what is wrong with one is the person's to mend. */
import { BadIndexError } from '../lib/areas/geofabrik-index.ts';
import { UnreachableError } from '../lib/areas/read-address.ts';
import { ManifestMissingError, resolveManifest, type ManifestParts } from '../lib/local/manifests.ts';
import { BadManifestError } from '../lib/pipeline/manifest-faults.ts';
import type { ResolvedManifest } from '../lib/pipeline/resolve-manifest.ts';
import { EnvironmentError, UsageError } from './errors.ts';

/** Throws {@link UsageError} with every fault, or {@link EnvironmentError} when the index cannot be reached. */
export async function openManifest(nameOrPath: string, parts: ManifestParts): Promise<ResolvedManifest> {
  try {
    return await resolveManifest(nameOrPath, parts);
  } catch (error) {
    const options = { cause: error };
    if (error instanceof UnreachableError) throw new EnvironmentError(error.message, options);
    const theirs = [BadManifestError, BadIndexError, ManifestMissingError];
    if (theirs.some((kind) => error instanceof kind)) throw new UsageError((error as Error).message, options);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`The manifest ${nameOrPath} cannot be read (${code})`, options);
  }
}
