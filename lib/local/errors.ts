/** What can go wrong with a folder, in words that say what to do. */

/** A key that a folder cannot hold (or that no store should). */
export class InvalidKeyError extends Error {
  override name = 'InvalidKeyError';
  constructor(key: string, why: string) {
    super(
      `The key ${JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key)} cannot be stored: ${why}`,
    );
  }
}

/** On S3 `a` and `a/b` can both be objects. */
export class FolderConflictError extends Error {
  override name = 'FolderConflictError';
  constructor(path: string, options?: ErrorOptions) {
    super(`${path} cannot be written: a folder cannot hold both a file and a folder of one name`, options);
  }
}

/** ENOSPC or EDQUOT. */
export class DiskFullError extends Error {
  override name = 'DiskFullError';
  constructor(path: string, options?: ErrorOptions) {
    super(
      `The disk is full: ${path} could not be written. Free some space there; the work goes on by itself`,
      options,
    );
  }
}

/** `error.code` of a system error. By shape: Node's own errors are not `instanceof Error` inside a vm context. */
export const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes(errorCode(error) ?? '');

export const isDiskFull = (error: unknown): boolean =>
  error instanceof DiskFullError || hasCode(error, 'ENOSPC', 'EDQUOT');

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
