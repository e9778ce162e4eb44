/**
 * What a task's main container has printed so far, from CloudWatch Logs. stage-out keeps the log with the attempt, but only
 * when main has ended.
 */
import {
  type CloudWatchLogsClient,
  GetLogEventsCommand,
  ResourceNotFoundException,
  type GetLogEventsResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { logGroupName, logStreamName } from './task-definition.ts';
import { FETCH_CONTAINER, MAIN_CONTAINER } from './task-state.ts';

export interface ContainerLogPlace {
  client: Pick<CloudWatchLogsClient, 'send'>;
  /** `/longshore/<stage>/`, as the stack tells it. */
  groupPrefix: string;
  task: string;
  /** ARN of the ECS task. */
  ref: string;
}

interface Stream {
  name: string;
  /** Where it goes on. */
  token?: string;
}

export class ContainerLog {
  readonly #client: Pick<CloudWatchLogsClient, 'send'>;
  readonly #group: string;
  /** What says something of the job, in the order in which it does. Few tasks have the first. */
  readonly #streams: Stream[];

  constructor({ client, groupPrefix, task, ref }: ContainerLogPlace) {
    this.#client = client;
    this.#group = logGroupName(groupPrefix, task);
    this.#streams = [FETCH_CONTAINER, MAIN_CONTAINER].map((name) => ({ name: logStreamName(name, ref) }));
  }

  /** Lines that came since the last call; none while the container has not started. */
  async *lines(): AsyncGenerator<string> {
    for (const stream of this.#streams) yield* this.#linesOf(stream);
  }

  async *#linesOf(stream: Stream): AsyncGenerator<string> {
    for (;;) {
      const { events = [], nextForwardToken } = await this.#next(stream);
      for (const { message = '' } of events) yield message;
      // The same token again: that was all, so far. A page may be empty and not be the last.
      if (nextForwardToken === undefined || nextForwardToken === stream.token) return;
      stream.token = nextForwardToken;
    }
  }

  async #next({ name, token }: Stream): Promise<GetLogEventsResponse> {
    try {
      return await this.#client.send(
        new GetLogEventsCommand({
          logGroupName: this.#group,
          logStreamName: name,
          startFromHead: true,
          ...(token === undefined ? {} : { nextToken: token }),
        }),
      );
    } catch (error) {
      // The log driver makes the stream when the container starts.
      if (error instanceof ResourceNotFoundException) return {};
      throw error;
    }
  }
}
