/** Virtual time: it stands while anything can be done, then goes on to whatever comes next. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

interface Timer {
  at: number;
  /** Of two timers at one time the first set is the first to fire: the same seed gives the same world. */
  order: number;
  fire: () => void;
}

const earlier = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class VirtualClock implements Clock {
  readonly #heap: Timer[] = [];
  #now: number;
  #order = 0;

  constructor(start = Date.parse('2026-12-01T03:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.at(this.#now + ms, resolve));
  }

  /** Calls `fire` at that time, or now where it has passed. Whole milliseconds. */
  at(time: number, fire: () => void): void {
    this.#order += 1;
    this.#push({ at: Math.max(this.#now, Math.round(time)), order: this.#order, fire });
  }

  /** Until `done`, which is asked each time that nothing more can happen now. Throws when nothing will ever happen. */
  async run(done: () => boolean): Promise<void> {
    for (;;) {
      // All that waits for promises has gone as far as it can once an immediate is called.
      await setImmediate();
      if (done()) return;
      const first = this.#pop();
      if (!first) throw new Error('The simulation stands still: nothing is left that could happen');
      this.#now = first.at;
      first.fire();
      while (this.#heap[0]?.at === this.#now) this.#pop()!.fire();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child += 1;
      if (!earlier(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
