/** Where the command writes: given to each verb, so that tests can listen. */

export interface Output {
  /** One line of result on stdout. */
  line(text: string): void;
  /** One line for the person who waits, on stderr. */
  note(text: string): void;
  /** The live lines on stderr are possible. */
  live: boolean;
  /** Replaces the live lines (mostly one); without argument they are cleared. Does nothing where `live` is false. */
  status(text?: string): void;
}

/** 128 + SIGPIPE: what a shell sees of any program whose reader has gone (`| head`). */
const READER_GONE = 141;

export function terminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  let troubled = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(READER_GONE);
    // A terminal that was closed, a full disk: what is under way goes on, unseen.
    if (!troubled) stderr.write(`longshore: stdout cannot be written (${error.code ?? error.message})\n`);
    troubled = true;
  });
  // There is nowhere left to tell it.
  stderr.on('error', () => {});
  let shown = 0;
  const clear = (): void => {
    // To the first of the rows, then everything below is cleared.
    if (shown > 1) stderr.write(`\u001b[${shown - 1}A`);
    if (shown > 0) stderr.write('\r\u001b[J');
    shown = 0;
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
      // A wrapped line, or one that has left the screen, could not be taken back.
      const rows = text
        .split('\n')
        .slice(0, Math.max(1, (stderr.rows || 25) - 1))
        .map((row) => row.slice(0, (stderr.columns || 80) - 1).toWellFormed());
      stderr.write(rows.join('\n'));
      shown = rows.length;
    },
  };
}
