/** Chance that can be repeated: the same seed and words always give the same number, in whatever order they are asked. */
import { createHash } from 'node:crypto';

/** 0 (inclusive) to 1 (exclusive). */
export function chance(seed: number, ...words: (string | number)[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

export const between = ([low, high]: [number, number], share: number): number => low + (high - low) * share;

/** One of them. Throws when there is none. */
export function pick<T>(items: readonly T[], share: number): T {
  const item = items[Math.floor(share * items.length)];
  if (item === undefined) throw new RangeError('There is nothing to choose from');
  return item;
}
