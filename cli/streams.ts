/** Where the command writes: given to each verb, so that tests can listen. */

export interface Output {
  /** One line of result on stdout. */
  line(text: string): void;
  /** One line for the person who waits, on stderr. */
  note(text: string): void;
  /** The live line on stderr is possible. */
  live: boolean;
  /** Replaces the live line; without argument it is cleared. Does nothing where `live` is false. */
  status(text?: string): void;
}

export function terminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  let shown = false;
  const clear = (): void => {
    if (shown) stderr.write('\r\u001b[K');
    shown = false;
  };
  return {
    live: stderr.isTTY,
    line(text) {
      clear();
      stdout.write(`${text}\n`);
    },
    note(text) {
      clear();
      stderr.write(`${text}\n`);
    },
    status(text) {
      if (!stderr.isTTY) return;
      clear();
      if (text === undefined) return;
      // One row only: a wrapped line could not be taken back.
      stderr.write(text.slice(0, (stderr.columns || 80) - 1).toWellFormed());
      shown = true;
    },
  };
}
