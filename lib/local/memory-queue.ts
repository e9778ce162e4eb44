/**
 * A queue inside this process. It may lose everything: the sweep finds in the ledger what was under way.
 *
 * It goes by a clock that nobody sets: with the machine's, set back by an hour, every message would be an hour late.
 */
import { performance } from 'node:perf_hooks';
import type { Queue, ReceivedMessage } from '../ports.ts';

/** SQS's limits, so that what works here works there. */
const MAX_BYTES = 1024 * 1024;
const MAX_BATCH = 10;
const MAX_DELAY_SECONDS = 900;

export interface MemoryMessage extends ReceivedMessage {
  /** Gives it back before its time: SQS's ChangeMessageVisibility. */
  retry(delaySeconds: number): Promise<void>;
}

interface Entry {
  body: string;
  /** When it can be seen (again); milliseconds since this process began. */
  visibleAt: number;
  receiveCount: number;
}

export class MemoryQueue implements Queue {
  readonly #visibilityMs: number;
  readonly #entries = new Set<Entry>();
  readonly #waiting = new Set<() => void>();

  /** `visibilitySeconds`: how long a message that was received and not acknowledged stays away. */
  constructor({ visibilitySeconds = 600 }: { visibilitySeconds?: number } = {}) {
    this.#visibilityMs = visibilitySeconds * 1000;
  }

  /** Messages that are not done yet, those under way included. */
  get size(): number {
    return this.#entries.size;
  }

  async send(bodies: string[], { delaySeconds = 0 }: { delaySeconds?: number } = {}): Promise<void> {
    if (delaySeconds < 0 || delaySeconds > MAX_DELAY_SECONDS) {
      throw new RangeError(`A message can be delayed by 0–${MAX_DELAY_SECONDS} s, not ${delaySeconds} s`);
    }
    for (const body of bodies) {
      const bytes = Buffer.byteLength(body);
      if (bytes > MAX_BYTES) throw new RangeError(`A message of ${bytes} bytes; ${MAX_BYTES} is the limit`);
    }
    const visibleAt = performance.now() + delaySeconds * 1000;
    for (const body of bodies) this.#entries.add({ body, visibleAt, receiveCount: 0 });
    this.#wake();
  }

  async receive({ waitSeconds = 0 }: { waitSeconds?: number } = {}): Promise<MemoryMessage[]> {
    const until = performance.now() + waitSeconds * 1000;
    for (;;) {
      const now = performance.now();
      const taken: MemoryMessage[] = [];
      let next = until;
      for (const entry of this.#entries) {
        if (entry.visibleAt > now) next = Math.min(next, entry.visibleAt);
        else if (taken.length < MAX_BATCH) taken.push(this.#take(entry, now));
        else break;
      }
      if (taken.length > 0 || now >= until) return taken;
      await this.#sleep(next - now);
    }
  }

  #take(entry: Entry, now: number): MemoryMessage {
    entry.receiveCount += 1;
    entry.visibleAt = now + this.#visibilityMs;
    const turn = entry.receiveCount;
    return {
      body: entry.body,
      receiveCount: turn,
      ack: async () => {
        this.#entries.delete(entry);
      },
      retry: async (delaySeconds) => {
        // Too late when it was delivered again meanwhile.
        if (entry.receiveCount !== turn) return;
        entry.visibleAt = performance.now() + delaySeconds * 1000;
        this.#wake();
      },
    };
  }

  /** Until something is sent or given back, at most `ms`. */
  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, ms));
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of this.#waiting) done();
  }
}
