/** Chance that can be had again: everything follows from a seed, and nothing that is drawn for one thing moves another. */
import { createHash } from 'node:crypto';

export interface Random {
  /** 0 ≤ x < 1. */
  uniform(): number;
  chance(probability: number): boolean;
  /** Half of the draws lie below the median; `sigma` is the spread of the logarithm. */
  logNormal(median: number, sigma: number): number;
  /** Mean `mean`: the time to the next loss. */
  exponential(mean: number): number;
}

/** `names` tell streams apart: `(seed, job, attempt)` has its own chance whatever the order in which jobs run. */
export function randomOf(...names: (string | number)[]): Random {
  // splitmix32: its output depends on all 32 bits of the state from the first draw on.
  let state = createHash('sha256').update(names.join('\n')).digest().readUInt32LE(0);
  const uniform = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    uniform,
    chance: (probability) => uniform() < probability,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    exponential: (mean) => -mean * Math.log(1 - uniform()),
  };
}
