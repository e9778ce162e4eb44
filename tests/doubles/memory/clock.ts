import type { Clock } from '../../../lib/ports.ts';

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  #now: number;

  constructor(now = Date.parse('2026-11-20T12:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  async sleep(ms: number): Promise<void> {
    this.advance(ms);
  }
}
