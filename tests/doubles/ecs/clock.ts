/** The double's time: the machine's, or one that runs faster. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** So many milliseconds of this clock. */
  sleep: (ms: number) => Promise<void>;
}

/** `speed` 60: a minute passes in a second. It begins at the machine's time. */
export function fastClock(speed = 1): Clock {
  // Taken now: a test may replace Date.now by this very clock.
  const realNow = Date.now.bind(Date);
  const begin = realNow();
  return {
    now: () => begin + (realNow() - begin) * speed,
    sleep: async (ms) =>
      await new Promise((resolve) => {
        setTimeout(resolve, ms / speed);
      }),
  };
}
