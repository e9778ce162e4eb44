/** Keys in the order of their UTF-8 bytes, as S3 lists them. In chunks, so that 50,000 of them can be changed one by one. */
import { compareKeys } from '../../local/keys.ts';

const CHUNK = 512;

export class SortedKeys {
  readonly #chunks: string[][] = [[]];

  add(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    const place = placeIn(chunk, key);
    if (chunk[place] === key) return;
    chunk.splice(place, 0, key);
    if (chunk.length > 2 * CHUNK) this.#chunks.splice(at, 1, chunk.slice(0, CHUNK), chunk.slice(CHUNK));
  }

  delete(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    const place = placeIn(chunk, key);
    if (chunk[place] !== key) return;
    chunk.splice(place, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** At most `limit` keys with the prefix, those behind `after`. */
  page(prefix: string, after: string, limit: number): string[] {
    const from = compareKeys(after, prefix) > 0 ? after : prefix;
    const found: string[] = [];
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at += 1) {
      const chunk = this.#chunks[at]!;
      for (let place = placeIn(chunk, from); place < chunk.length; place += 1) {
        const key = chunk[place]!;
        if (key === after) continue;
        if (found.length === limit || !key.startsWith(prefix)) return found;
        found.push(key);
      }
    }
    return found;
  }

  /** The last chunk that begins at or before the key. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (compareKeys(this.#chunks[middle]![0] ?? '', key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where the key is, or would go. */
function placeIn(chunk: string[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(chunk[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
