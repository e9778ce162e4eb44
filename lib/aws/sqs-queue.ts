/** The queue over SQS. */
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type BatchResultErrorEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Queue, ReceivedMessage } from '../ports.ts';

/** One batch: at most 10 messages, at most 1 MiB together. */
const BATCH_MESSAGES = 10;
const BATCH_BYTES = 1024 * 1024;
const SEND_TRIES = 5;

export class MessageTooLargeError extends Error {
  override name = 'MessageTooLargeError';
  constructor(url: string, bytes: number) {
    super(`A message of ${bytes} bytes was not sent to ${url}: ${BATCH_BYTES} bytes are the limit`);
  }
}

/** Some messages could not be sent. Those before them were: send again what you can identify, or all (at least once). */
export class SendError extends Error {
  override name = 'SendError';
  constructor(url: string, failed: BatchResultErrorEntry[]) {
    const [first] = failed;
    super(`${failed.length} messages were not sent to ${url}: ${first?.Code} ${first?.Message ?? ''}`.trim());
  }
}

export class SqsQueue implements Queue {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor({ client, url }: { client: SQSClient; url: string }) {
    this.#client = client;
    this.#url = url;
  }

  async send(bodies: string[], { delaySeconds }: { delaySeconds?: number } = {}): Promise<void> {
    for (const batch of batches(bodies.map(sendable), this.#url)) await this.#sendBatch(batch, delaySeconds);
  }

  async #sendBatch(bodies: string[], delaySeconds: number | undefined): Promise<void> {
    let left = bodies.map((MessageBody, index) => ({
      Id: String(index),
      MessageBody,
      ...(delaySeconds === undefined ? {} : { DelaySeconds: Math.ceil(delaySeconds) }),
    }));
    for (let tries = 1; ; tries += 1) {
      const { Failed = [] } = await this.#client.send(
        new SendMessageBatchCommand({ QueueUrl: this.#url, Entries: left }),
      );
      if (Failed.length === 0) return;
      // What is the sender's fault fails every time.
      if (tries >= SEND_TRIES || Failed.some(({ SenderFault }) => SenderFault)) {
        throw new SendError(this.#url, Failed);
      }
      const failed = new Set(Failed.map(({ Id }) => Id));
      left = left.filter(({ Id }) => failed.has(Id));
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** tries * Math.random()));
    }
  }

  async receive({ waitSeconds = 0 }: { waitSeconds?: number } = {}): Promise<ReceivedMessage[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: 10,
        // 20 s is the longest poll.
        WaitTimeSeconds: Math.min(20, Math.ceil(waitSeconds)),
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    return Messages.map(({ Body = '', ReceiptHandle, Attributes }) => ({
      body: Body,
      receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
      ack: async () => {
        await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle }));
      },
    }));
  }
}

/** SQS refuses U+FFFE and U+FFFF, which S3 allows in keys. Bodies are JSON, where an escape means the same. */
const sendable = (body: string): string =>
  body.replaceAll('\uFFFE', String.raw`\ufffe`).replaceAll('\uFFFF', String.raw`\uffff`);

/** In order, each as full as SQS takes it. */
export function batches(bodies: string[], url: string): string[][] {
  const result: string[][] = [];
  let bytes = 0;
  for (const body of bodies) {
    const size = Buffer.byteLength(body);
    if (size > BATCH_BYTES) throw new MessageTooLargeError(url, size);
    const last = result.at(-1);
    if (!last || last.length >= BATCH_MESSAGES || bytes + size > BATCH_BYTES) {
      result.push([body]);
      bytes = size;
    } else {
      last.push(body);
      bytes += size;
    }
  }
  return result;
}
