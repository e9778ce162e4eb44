/** Ctrl-C and its kin. */

export interface Interrupt {
  signal: AbortSignal;
  /** Which one came first. */
  by(): NodeJS.Signals | undefined;
  /** Stops listening. */
  release(): void;
}

/** A Ctrl-C reaches launcher and command both, and the launcher passes its own on: within this time it is one. */
const SAME_MS = 500;

/** The first SIGINT or SIGTERM aborts the signal; a second one ends the process at once. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  let first: { signal: NodeJS.Signals; at: number } | undefined;
  const listener = (signal: NodeJS.Signals): void => {
    if (first && Date.now() - first.at > SAME_MS) process.exit(130);
    first ??= { signal, at: Date.now() };
    controller.abort();
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, listener);
  return {
    signal: controller.signal,
    by: () => first?.signal,
    release: () => {
      for (const signal of signals) process.removeListener(signal, listener);
    },
  };
}
