/** How often something is looked at for a person who waits. */

/** A look never takes more than a fifth of the time: a ledger of ten thousand jobs takes one a second, and work goes first. */
const PAUSE_PER_LOOK = 4;

/** Milliseconds until the next look, after one that began at `begin` of `performance.now()`. */
export const pauseAfter = (begin: number, everyMs: number): number =>
  Math.max(everyMs, (performance.now() - begin) * PAUSE_PER_LOOK);
