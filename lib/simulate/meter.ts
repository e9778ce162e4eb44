/** Counts every request, by who makes it, and lets the time pass that it takes. */
import type { Clock } from '../ports.ts';
import type { Random } from './random.ts';
import { REQUEST_SIGMA, REQUESTS, type Request } from './requests.ts';

/** A Lambda's name, or `container` for what stage-in and stage-out do. */
export type Caller = string;
export type Call = (request: Request) => Promise<void>;

export class Meter {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #counts = new Map<Caller, Map<Request, number>>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  count(caller: Caller, request: Request, times = 1): void {
    const counts = this.#counts.get(caller) ?? new Map<Request, number>();
    this.#counts.set(caller, counts);
    counts.set(request, (counts.get(request) ?? 0) + times);
  }

  /** What the ports of one caller are made with. A request has its effect at its end. */
  by(caller: Caller): Call {
    return async (request) => {
      this.count(caller, request);
      await this.#clock.sleep(this.#random.logNormal(REQUESTS[request].ms, REQUEST_SIGMA));
    };
  }

  /** Requests by caller, then by request. */
  counts(): Record<Caller, Partial<Record<Request, number>>> {
    return Object.fromEntries(
      [...this.#counts].map(([caller, counts]) => [caller, Object.fromEntries(counts)]),
    );
  }
}
