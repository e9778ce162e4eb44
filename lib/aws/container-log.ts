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
import { MAIN_CONTAINER } from './task-state.ts';

export interface ContainerLogPlace {
  client: Pick<CloudWatchLogsClient, 'send'>;
  /** `/longshore/<stage>/`, as the stack tells it. */
  groupPrefix: string;
  task: string;
  /** ARN of the ECS task. */
  ref: string;
}

export class ContainerLog {
  readonly #client: Pick<CloudWatchLogsClient, 'send'>;
  readonly #place: { logGroupName: string; logStreamName: string };
  #token: string | undefined;

  constructor({ client, groupPrefix, task, ref }: ContainerLogPlace) {
    this.#client = client;
    this.#place = {
      logGroupName: logGroupName(groupPrefix, task),
      logStreamName: logStreamName(MAIN_CONTAINER, ref),
    };
  }

  /** Lines that came since the last call; none while the container has not started. */
  async *lines(): AsyncGenerator<string> {
    for (;;) {
      const { events = [], nextForwardToken } = await this.#next();
      for (const { message = '' } of events) yield message;
      // The same token again: that was all, so far. A page may be empty and not be the last.
      if (nextForwardToken === undefined || nextForwardToken === this.#token) return;
      this.#token = nextForwardToken;
    }
  }

  async #next(): Promise<GetLogEventsResponse> {
    try {
      return await this.#client.send(
        new GetLogEventsCommand({
          ...this.#place,
          startFromHead: true,
          ...(this.#token === undefined ? {} : { nextToken: this.#token }),
        }),
      );
    } catch (error) {
      // The log driver makes the stream when the container starts.
      if (error instanceof ResourceNotFoundException) return {};
      throw error;
    }
  }
}
