/** Keys as paths below a folder: what S3 takes and a file system does not is refused by name. */
import { join } from 'node:path';
import { InvalidKeyError } from './errors.ts';

/** S3's limit on a key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024;
/** NAME_MAX of every usual Linux file system, in bytes. */
const MAX_NAME_BYTES = 255;

/** Names that the stores use for files in the making; never listed. */
export const TEMP_PREFIX = '.longshore-tmp.';

/** Throws {@link InvalidKeyError}. `reserve` is what the store appends to the last name, in bytes. */
export function checkKey(key: string, reserve = 0): void {
  if (key === '') throw new InvalidKeyError(key, 'it is empty');
  if (key.startsWith('/')) throw new InvalidKeyError(key, 'it begins with /');
  if (key.includes('\0')) throw new InvalidKeyError(key, 'it contains a NUL character');
  if (!key.isWellFormed()) throw new InvalidKeyError(key, 'it is not valid Unicode');
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) {
    throw new InvalidKeyError(key, `it has ${bytes} bytes, and ${MAX_KEY_BYTES} is the limit`);
  }
  const names = key.split('/');
  for (const [index, name] of names.entries()) {
    if (name === '')
      throw new InvalidKeyError(key, 'it contains an empty folder or file name (// or a / at the end)');
    if (name === '.' || name === '..')
      throw new InvalidKeyError(key, `"${name}" would lead out of its place`);
    if (name.startsWith(TEMP_PREFIX))
      throw new InvalidKeyError(key, `names that begin ${TEMP_PREFIX} are longshore's own`);
    const length = Buffer.byteLength(name) + (index === names.length - 1 ? reserve : 0);
    if (length > MAX_NAME_BYTES) {
      throw new InvalidKeyError(
        key,
        `one of its names has ${length} bytes, and a file name has at most ${MAX_NAME_BYTES} on this machine; ` +
          'split it with / or shorten it',
      );
    }
  }
}

export function keyPath(root: string, key: string): string {
  checkKey(key);
  return join(root, key);
}

/**
 * S3's order: UTF-8 bytes. JavaScript compares UTF-16 units, which puts U+1F5FA before U+FF5E; only text with
 * surrogates needs the long way.
 */
export function compareKeys(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
const SURROGATE = /[\ud800-\udfff]/;

/** The folder part of a list prefix, `''` or ending in `/`: a walk can begin there. Throws on `..`. */
export function prefixFolder(prefix: string): string {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (folder !== '') checkKey(folder.slice(0, -1));
  return folder;
}

/** Whether any key below `folder` (which ends in `/`, or is empty) can start with `prefix` and come after `after`. */
export function folderMatters(folder: string, prefix: string, after: string | undefined): boolean {
  if (!folder.startsWith(prefix) && !prefix.startsWith(folder)) return false;
  return after === undefined || after.startsWith(folder) || compareKeys(folder, after) > 0;
}

export const keyMatters = (key: string, prefix: string, after: string | undefined): boolean =>
  key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0);
