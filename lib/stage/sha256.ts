/** SHA-256 of a file, never whole in memory. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Hashing then costs more than reading. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Hex. One buffer is read into again and again, and a small file gets a small one: a read stream allocates anew for each
 * chunk, which for 10,000 small files was 250 MB.
 */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
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
