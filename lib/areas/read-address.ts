/** A text behind an address. */
import { isNativeError } from 'node:util/types';
import type { Fetch } from '../ports.ts';

/** Geofabrik's index has 4 MB; a busy server may take its time. */
const TIMEOUT_MS = 120_000;

export class UnreachableError extends Error {
  override name = 'UnreachableError';
}

/** Throws {@link UnreachableError}. */
export async function readAddress(uri: string, fetch: Fetch): Promise<string> {
  try {
    const response = await fetch(uri, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.ok) return await response.text();
    throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    // fetch hides the reason ("connect ECONNREFUSED …") in the cause.
    const inner = isNativeError(error) && isNativeError(error.cause) ? error.cause : error;
    const reason = isNativeError(inner) ? inner.message : String(inner);
    throw new UnreachableError(`${uri} cannot be read: ${reason}`, { cause: error });
  }
}
