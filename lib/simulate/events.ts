/** The pipeline's own log, counted: what happened how often, and when the last job ended. */
import type { Clock, Log, LogFields } from '../ports.ts';

export class EventLog implements Log {
  readonly #clock: Clock;
  /** By event; of ends and retries by cause too: `Task:Stop:Settled interrupted`. */
  readonly counts = new Map<string, number>();
  /** The first few of each kind, for a person. */
  readonly errors: string[] = [];
  ended = 0;
  lastEndAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  debug = (): void => {};
  info = (event: string, fields?: LogFields): void => this.#count(event, fields);
  warn = (event: string, fields?: LogFields): void => this.#count(event, fields);
  error = (event: string, fields: LogFields = {}): void => {
    this.#count(event, fields);
    if (this.errors.length < 20) this.errors.push(`${event} ${JSON.stringify(fields)}`);
  };

  with(): Log {
    return this;
  }

  #count(event: string, fields: LogFields = {}): void {
    this.#add(event);
    if (typeof fields['cause'] === 'string') this.#add(`${event} ${fields['cause']}`);
    if (!event.startsWith('Job:End:')) return;
    this.ended += 1;
    this.lastEndAt = this.#clock.now();
  }

  #add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
