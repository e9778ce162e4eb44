/** The steps' queue: on AWS each step has a queue of its own, as each is a Lambda of its own. */
import { StepMessage } from '../pipeline/messages.ts';
import type { Queue, ReceivedMessage } from '../ports.ts';

export class StepQueue implements Queue {
  readonly #queues: Record<StepMessage['kind'], Queue>;

  constructor(queues: Record<StepMessage['kind'], Queue>) {
    this.#queues = queues;
  }

  async send(bodies: string[], options: { delaySeconds?: number } = {}): Promise<void> {
    const byKind = Object.groupBy(bodies, (body) => StepMessage.parse(JSON.parse(body)).kind);
    for (const [kind, some = []] of Object.entries(byKind)) {
      await this.#queues[kind as StepMessage['kind']].send(some, options);
    }
  }

  /** SQS calls the Lambdas; nobody receives by hand. */
  async receive(): Promise<ReceivedMessage[]> {
    throw new Error('The steps are received by their Lambdas');
  }
}
