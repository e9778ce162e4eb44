import type { Log, LogFields } from '../../../lib/ports.ts';

export interface LogLine extends LogFields {
  level: string;
  event: string;
}

/** Keeps the lines. */
export class MemoryLog implements Log {
  readonly lines: LogLine[];
  readonly #fields: LogFields;

  constructor(lines: LogLine[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug = (event: string, fields?: LogFields): void => this.#write('debug', event, fields);
  info = (event: string, fields?: LogFields): void => this.#write('info', event, fields);
  warn = (event: string, fields?: LogFields): void => this.#write('warn', event, fields);
  error = (event: string, fields?: LogFields): void => this.#write('error', event, fields);

  with(fields: LogFields): Log {
    return new MemoryLog(this.lines, { ...this.#fields, ...fields });
  }

  #write(level: string, event: string, fields: LogFields = {}): void {
    this.lines.push({ level, event, ...this.#fields, ...fields });
  }
}
