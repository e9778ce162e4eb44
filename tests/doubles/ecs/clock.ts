/** The double's time: the machine's, or one that runs faster. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** So many milliseconds of this clock. */
  sleep: (ms: number) => Promise<void>;
}

/**
 * The machine's time now, from then on by the clock that is never set back: a millisecond of time synchronisation would be
 * 200 ms of a clock that runs 200 times as fast, and a test may replace Date.now by this very clock. Whole milliseconds.
 */
function steadyNow(): () => number {
  const offset = Date.now() - performance.now();
  return () => Math.floor(performance.now() + offset);
}

/** `speed` 60: a minute passes in a second. It begins at the machine's time. */
export function fastClock(speed = 1): Clock {
  const realNow = steadyNow();
  const begin = realNow();
  const now = (): number => begin + (realNow() - begin) * speed;
  return {
    now,
    sleep: async (ms) =>
      await new Promise((resolve) => {
        const until = now() + ms;
        // A timer may be a millisecond early, which is a second here. What is waited for in vain (a stopTimeout of two
        // minutes) keeps no process: the double's server does.
        const wait = (): unknown =>
          now() < until ? setTimeout(wait, Math.ceil((until - now()) / speed)).unref() : resolve();
        wait();
      }),
  };
}

export interface JumpingClock extends Clock {
  /** Time does not jump while this is underway. */
  busy: <T>(work: () => Promise<T>) => Promise<T>;
}

/** How often it is looked whether anything is underway. */
const LOOK_MS = 2;

/**
 * The machine's time, which jumps to the next moment that anybody sleeps for as soon as nothing is underway. A busy machine
 * is slower with it, and its tests are no different.
 */
export function jumpingClock(): JumpingClock {
  const realNow = steadyNow();
  const sleepers: { at: number; wake: () => void }[] = [];
  let jumped = 0;
  let underway = 0;
  let looking: NodeJS.Timeout | undefined;
  const now = (): number => realNow() + jumped;

  function look(): void {
    const next = sleepers[0];
    if (next === undefined) {
      clearInterval(looking);
      looking = undefined;
      return;
    }
    if (underway === 0) jumped += Math.max(0, next.at - now());
    while (sleepers[0] !== undefined && sleepers[0].at <= now()) sleepers.shift()?.wake();
  }

  return {
    now,
    sleep: async (ms) =>
      await new Promise((resolve) => {
        const at = now() + ms;
        const place = sleepers.findIndex((other) => other.at > at);
        sleepers.splice(place < 0 ? sleepers.length : place, 0, { at, wake: resolve });
        looking ??= setInterval(look, LOOK_MS);
      }),
    busy: async (work) => {
      underway += 1;
      try {
        return await work();
      } finally {
        underway -= 1;
      }
    },
  };
}
