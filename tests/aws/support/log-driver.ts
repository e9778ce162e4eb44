/** What the awslogs driver does on Fargate: each line that a container prints goes to the log group of its task. */
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
} from '@aws-sdk/client-cloudwatch-logs';
import { logStreamName } from '../../../lib/aws/task-definition.ts';
import type { LogLine } from '../../doubles/ecs/hosts/engine-options.ts';

export interface LogDriver {
  write(line: LogLine): void;
  /** All that was written so far is there. Throws what went wrong. */
  flushed(): Promise<void>;
}

/** `group`: that of a task definition's family. */
export function logDriver(group: (family: string) => string): LogDriver {
  const client = new CloudWatchLogsClient({});
  // One line after the other, so that they stay in order.
  let last: Promise<void> = Promise.resolve();
  const put = async ({ task, container, line }: LogLine): Promise<void> => {
    const family = task.taskDefinitionArn.replace(/^.*\//, '').replace(/:\d+$/, '');
    const place = {
      logGroupName: group(family),
      logStreamName: logStreamName(container, task.taskArn),
    };
    try {
      await client.send(new CreateLogStreamCommand(place));
    } catch (error) {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    }
    await client.send(
      new PutLogEventsCommand({ ...place, logEvents: [{ timestamp: Date.now(), message: line }] }),
    );
  };
  return {
    write: (line) => {
      last = last.then(async () => await put(line));
      // Told by `flushed`.
      last.catch(() => {});
    },
    flushed: async () => await last,
  };
}
