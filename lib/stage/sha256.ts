/** SHA-256 of a file, never whole in memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Hex. 1 MiB at a time: hashing then costs more than reading. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const file = createReadStream(path, { highWaterMark: 1024 * 1024 });
  await pipeline(file, hash, ...(signal ? [{ signal }] : []));
  return hash.digest('hex');
}
