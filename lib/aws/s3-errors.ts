/** What S3 answers, told apart. */

/** HTTP status of an AWS error; `undefined` for anything else (a broken connection, a fault of ours). */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

/** How often the SDK had sent the request when it gave up with this error. */
export function attemptsOf(error: unknown): number {
  return (error as { $metadata?: { attempts?: number } } | undefined)?.$metadata?.attempts ?? 1;
}

/** The condition (`If-None-Match`, `If-Match`) does not hold: the race is lost. */
export const isPreconditionFailed = (error: unknown): boolean => statusOf(error) === 412;

/** Another conditional write of this key was under way: S3 says to try again. Who wins is not decided yet. */
export const isConflict = (error: unknown): boolean => statusOf(error) === 409;

export const isMissing = (error: unknown): boolean => statusOf(error) === 404;

/** The range begins behind the object's last byte. */
export const isRangeBehindEnd = (error: unknown): boolean => statusOf(error) === 416;

/** S3 writes ETags in quotes. */
export const unquote = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '');

/** Conflicts end when the other write ends; a few seconds are plenty for records, and a multipart upload is rare. */
const CONFLICT_TRIES = 8;
const CONFLICT_BASE_MS = 25;

/** Repeats a conditional write as long as S3 answers 409, with growing random pauses; then throws the 409. */
export async function retryConflict<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isConflict(error) || tries >= CONFLICT_TRIES) throw error;
      const pause = CONFLICT_BASE_MS * 2 ** tries * Math.random();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
