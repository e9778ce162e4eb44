/** SQS with a Lambda behind it: batches, a window to fill them in, so many calls at once, and what fails comes again. */
import type { Queue, ReceivedMessage } from '../ports.ts';
import type { VirtualClock } from './clock.ts';
import type { Meter } from './meter.ts';

/** SendMessageBatch takes ten. */
const BATCH = 10;
/** `maxReceiveCount` of resources/queues.yml. */
const MOST_RECEIVES = 10;

export interface EventSource {
  /** As serverless.yml has them. */
  batchSize: number;
  windowSeconds: number;
  maximumConcurrency: number;
  visibilitySeconds: number;
  /** Places of the messages that failed. Throwing fails them all. */
  handle: (bodies: string[]) => Promise<number[]>;
}

interface Message {
  body: string;
  receives: number;
}

export class SimulatedSqs {
  readonly #clock: VirtualClock;
  readonly #meter: Meter;
  readonly #name: string;
  #source: EventSource | undefined;
  #visible: Message[] = [];
  #waiting = false;
  #running = 0;
  /** Messages on their way, hidden or being handled. */
  held = 0;
  dead = 0;

  constructor(clock: VirtualClock, meter: Meter, name: string) {
    this.#clock = clock;
    this.#meter = meter;
    this.#name = name;
  }

  subscribe(source: EventSource): void {
    this.#source = source;
  }

  /** The queue as one caller sees it. */
  sentBy(caller: string): Queue {
    const call = this.#meter.by(caller);
    return {
      send: async (bodies, { delaySeconds = 0 } = {}) => {
        for (let at = 0; at < bodies.length; at += BATCH) {
          await call('sqs:SendMessageBatch');
          for (const body of bodies.slice(at, at + BATCH)) this.#show({ body, receives: 0 }, delaySeconds);
        }
      },
      receive: async (): Promise<ReceivedMessage[]> => {
        throw new Error('SQS calls the Lambdas; nobody receives by hand');
      },
    };
  }

  #show(message: Message, delaySeconds: number): void {
    this.held += 1;
    this.#clock.at(this.#clock.now() + delaySeconds * 1000, () => {
      this.#visible.push(message);
      this.#pump();
    });
  }

  #pump(): void {
    const { batchSize, windowSeconds, maximumConcurrency } = this.#source!;
    while (this.#running < maximumConcurrency && this.#visible.length >= batchSize) this.#take();
    if (this.#visible.length === 0 || this.#waiting || this.#running >= maximumConcurrency) return;
    this.#waiting = true;
    this.#clock.at(this.#clock.now() + windowSeconds * 1000, () => {
      this.#waiting = false;
      if (this.#visible.length > 0 && this.#running < maximumConcurrency) this.#take();
      this.#pump();
    });
  }

  #take(): void {
    const batch = this.#visible.splice(0, this.#source!.batchSize);
    this.#running += 1;
    this.#meter.count(this.#name, 'sqs:ReceiveMessage');
    void this.#handle(batch);
  }

  async #handle(batch: Message[]): Promise<void> {
    const { handle, visibilitySeconds } = this.#source!;
    let failed: number[];
    try {
      failed = await handle(batch.map(({ body }) => body));
    } catch {
      failed = [...batch.keys()];
    }
    if (failed.length < batch.length) this.#meter.count(this.#name, 'sqs:DeleteMessageBatch');
    this.held -= batch.length;
    for (const at of failed) {
      const message = { ...batch[at]!, receives: batch[at]!.receives + 1 };
      if (message.receives >= MOST_RECEIVES) this.dead += 1;
      else this.#show(message, visibilitySeconds);
    }
    this.#running -= 1;
    this.#pump();
  }
}
