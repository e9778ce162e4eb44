/** A Lambda function: environments that start cold and stay warm, and the time that is billed. */
import type { VirtualClock } from './clock.ts';
import type { Meter } from './meter.ts';
import { LAMBDA } from './requests.ts';

export interface Invocations {
  calls: number;
  failed: number;
  coldStarts: number;
  seconds: number;
  longestSeconds: number;
}

export class SimulatedLambda {
  readonly #clock: VirtualClock;
  readonly #meter: Meter;
  readonly name: string;
  /** When each idle environment was last used; the latest is taken first. */
  readonly #idle: number[] = [];
  readonly invocations: Invocations = { calls: 0, failed: 0, coldStarts: 0, seconds: 0, longestSeconds: 0 };
  running = 0;

  constructor(clock: VirtualClock, meter: Meter, name: string) {
    this.#clock = clock;
    this.#meter = meter;
    this.name = name;
  }

  /** Throws what the handler throws. */
  async invoke<T>(handler: () => Promise<T>): Promise<T> {
    this.#meter.count(this.name, 'lambda:Invoke');
    const start = this.#clock.now();
    const used = this.#idle.pop();
    const cold = used === undefined || start - used > LAMBDA.keptWarmMs;
    this.running += 1;
    this.invocations.calls += 1;
    if (cold) this.invocations.coldStarts += 1;
    try {
      await this.#clock.sleep(LAMBDA.ownMs + (cold ? LAMBDA.coldStartMs : 0));
      return await handler();
    } catch (error) {
      this.invocations.failed += 1;
      throw error;
    } finally {
      const seconds = (this.#clock.now() - start) / 1000;
      this.invocations.seconds += seconds;
      this.invocations.longestSeconds = Math.max(this.invocations.longestSeconds, seconds);
      this.#idle.push(this.#clock.now());
      this.running -= 1;
    }
  }
}
