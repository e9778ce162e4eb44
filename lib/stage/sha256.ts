/** SHA-256 of a file, never whole in memory. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Hashing then costs more than reading. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Hex. One buffer is read into again and again, and a small file gets a small one: a read stream allocates anew for each
 * chunk, which for 10,000 small files was 250 MB.
 */
export const sha256File = async (path: string, signal?: AbortSignal): Promise<string> =>
  await hashFile(path, 'sha256', signal);

/** As {@link sha256File}, by another algorithm. */
export async function hashFile(
  path: string,
  algorithm: 'md5' | 'sha256',
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash(algorithm);
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
