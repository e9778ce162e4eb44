/** An SQS event source of Lambda: receives batches, calls the handler, deletes what did not fail. */
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { JumpingClock } from '../../doubles/ecs/clock.ts';

/** As resources/queues.yml makes them: with a dead-letter queue. Returns the URL. */
export async function redrivenQueue(
  sqs: SQSClient,
  name: string,
  visibilitySeconds: number,
): Promise<{ url: string; deadLetters: string }> {
  const { QueueUrl: deadLetters = '' } = await sqs.send(
    new CreateQueueCommand({ QueueName: `${name}-dead` }),
  );
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ['QueueArn'] }),
  );
  const { QueueUrl: url = '' } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: {
        VisibilityTimeout: String(visibilitySeconds),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 10 }),
      },
    }),
  );
  return { url, deadLetters };
}

/** Messages that are in the queue in any way: ready, delayed, or received and not deleted. */
export async function messagesIn(sqs: SQSClient, url: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
  );
  return (['', 'NotVisible', 'Delayed'] as const).reduce(
    (sum, kind) => sum + Number(Attributes[`ApproximateNumberOfMessages${kind}`] ?? 0),
    0,
  );
}

export interface EventSource {
  /** Calls that the handler failed as a whole; all of their messages come back. */
  failures: unknown[];
  stop(): Promise<void>;
}

/** Between two looks at an empty queue, on the clock given. */
const IDLE_MS = 3000;

export function eventSource({
  sqs,
  url,
  handler,
  concurrency,
  batchSize,
  clock,
  forgets = () => false,
}: {
  sqs: SQSClient;
  url: string;
  handler: (event: SQSEvent) => Promise<SQSBatchResponse>;
  concurrency: number;
  batchSize: number;
  clock: JumpingClock;
  /** Messages that are handled and not deleted, as if the poller had died right then: they come once more. */
  forgets?: (message: Message) => boolean;
}): EventSource {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const running = new Set<Promise<void>>();

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (running.size >= concurrency) await Promise.race(running);
      const { Messages = [] } = await clock.busy(
        async () =>
          await sqs.send(
            new ReceiveMessageCommand({
              QueueUrl: url,
              MaxNumberOfMessages: batchSize,
              MessageSystemAttributeNames: ['ApproximateReceiveCount'],
            }),
          ),
      );
      if (Messages.length === 0) {
        await clock.sleep(IDLE_MS);
      } else {
        const batch = clock.busy(async () => await handle(Messages)).finally(() => running.delete(batch));
        running.add(batch);
      }
    }
  }

  async function handle(messages: Message[]): Promise<void> {
    let failed: Set<string>;
    try {
      const { batchItemFailures } = await handler(eventOf(messages));
      failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    } catch (error) {
      failures.push(error);
      return;
    }
    for (const message of messages) {
      if (failed.has(message.MessageId ?? '') || forgets(message)) continue;
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }));
    }
  }

  const polling = poll();
  return {
    failures,
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

const eventOf = (messages: Message[]): SQSEvent =>
  ({
    Records: messages.map(({ MessageId, ReceiptHandle, Body }) => ({
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      eventSource: 'aws:sqs',
    })),
  }) as unknown as SQSEvent;
