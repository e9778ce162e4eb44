import type { Clock, Queue, ReceivedMessage } from '../../ports.ts';

interface Held {
  body: string;
  visibleAt: number;
  receiveCount: number;
}

/** At least once by the clock given: what is not acknowledged is seen again after the visibility timeout. */
export class MemoryQueue implements Queue {
  readonly held: Held[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #visibilityMs: number;

  constructor(clock: Pick<Clock, 'now'>, visibilityMs = 60_000) {
    this.#clock = clock;
    this.#visibilityMs = visibilityMs;
  }

  async send(bodies: string[], { delaySeconds = 0 }: { delaySeconds?: number } = {}): Promise<void> {
    const visibleAt = this.#clock.now() + delaySeconds * 1000;
    this.held.push(...bodies.map((body) => ({ body, visibleAt, receiveCount: 0 })));
  }

  async receive(): Promise<ReceivedMessage[]> {
    const visible = this.held.filter((held) => held.visibleAt <= this.#clock.now()).slice(0, 10);
    return visible.map((held) => {
      held.visibleAt = this.#clock.now() + this.#visibilityMs;
      held.receiveCount += 1;
      return {
        body: held.body,
        receiveCount: held.receiveCount,
        ack: async () => {
          const at = this.held.indexOf(held);
          if (at >= 0) this.held.splice(at, 1);
        },
      };
    });
  }
}
