/**
 * The jobs' queue. On AWS wake-ups have one of their own: behind ten thousand new jobs, the news that a slot is free would
 * come minutes late.
 */
import { PipelineMessage } from '../pipeline/messages.ts';
import type { Queue, ReceivedMessage } from '../ports.ts';

export class JobsQueue implements Queue {
  readonly #queues: { jobs: Queue; wake: Queue };

  constructor(queues: { jobs: Queue; wake: Queue }) {
    this.#queues = queues;
  }

  async send(bodies: string[], options: { delaySeconds?: number } = {}): Promise<void> {
    const { wake = [], jobs = [] } = Object.groupBy(bodies, queueOf);
    if (jobs.length > 0) await this.#queues.jobs.send(jobs, options);
    if (wake.length > 0) await this.#queues.wake.send(wake, options);
  }

  /** SQS calls the Lambdas; nobody receives by hand. */
  async receive(): Promise<ReceivedMessage[]> {
    throw new Error('Jobs and wake-ups are received by their Lambda');
  }
}

const queueOf = (body: string): 'jobs' | 'wake' =>
  PipelineMessage.parse(JSON.parse(body)).kind === 'wake' ? 'wake' : 'jobs';
