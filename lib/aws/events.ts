/** What S3 and EventBridge send, as the pipeline wants it. */
import * as z from 'zod';
import type { PipelineMessage, UploadMessage } from '../pipeline/messages.ts';
import { PipelineMessage as PipelineMessageSchema } from '../pipeline/messages.ts';
import type { TaskState } from '../ports.ts';
import { taskStateOf } from './task-state.ts';

/** S3 does not say how long a sequencer may get; those seen have 16 to 18 hex digits. */
const SEQUENCER_DIGITS = 32;

/** Only what is read here: `eventVersion` grows (2.1, 2.2, 2.3, …) without changing any of it. */
const S3Notification = z.object({
  Records: z.array(z.looseObject({ eventName: z.string() })),
});
const ObjectCreated = z.object({
  s3: z.object({
    object: z.object({ key: z.string(), size: z.number(), eTag: z.string(), sequencer: z.string() }),
  }),
});
/** Sent once, when the notification is set up; it has no Records. */
const S3TestEvent = z.object({ Event: z.literal('s3:TestEvent') });

/** A message that is none of those that this queue is for. */
export class UnknownMessageError extends Error {
  override name = 'UnknownMessageError';
  constructor(body: string, options?: ErrorOptions) {
    super(`Neither an S3 notification nor a message of the pipeline: ${body.slice(0, 500)}`, options);
  }
}

/** The body of one message in the jobs queue: an S3 notification (of any number of files), or one of our own. */
export function pipelineMessages(body: string): PipelineMessage[] {
  const json = parse(body);
  if (S3TestEvent.safeParse(json).success) return [];
  if (json !== null && typeof json === 'object' && 'Records' in json) return uploadMessages(json);
  const message = PipelineMessageSchema.safeParse(json);
  if (!message.success) throw new UnknownMessageError(body, { cause: message.error });
  return [message.data];
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new UnknownMessageError(body, { cause: error });
  }
}

/** Files that arrived. Deletions and folder markers (`folder/`, empty, made by the console) are none. */
export function uploadMessages(notification: unknown): UploadMessage[] {
  return S3Notification.parse(notification)
    .Records.filter(({ eventName }) => /^(s3:)?ObjectCreated:/.test(eventName))
    .map((record): UploadMessage => {
      const { key, size, eTag, sequencer } = ObjectCreated.parse(record).s3.object;
      return {
        kind: 'upload',
        key: decodeKey(key),
        bytes: size,
        etag: eTag,
        sequence: padSequencer(sequencer),
      };
    })
    .filter(({ key, bytes }) => !(key.endsWith('/') && bytes === 0));
}

/** Keys come as in an HTML form: `+` is a space, all else %-encoded UTF-8. */
export const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));

/** Sequencers are compared as S3 says: the shorter one is padded with zeros on the right. Case does not matter. */
export const padSequencer = (sequencer: string): string =>
  sequencer.toLowerCase().padEnd(SEQUENCER_DIGITS, '0');

const Moment = z.iso.datetime({ offset: true });
const EcsEvent = z.object({
  'detail-type': z.literal('ECS Task State Change'),
  detail: z.object({
    taskArn: z.string(),
    lastStatus: z.string(),
    startedBy: z.string().exactOptional(),
    stopCode: z.string().exactOptional(),
    stoppedReason: z.string().exactOptional(),
    pullStartedAt: Moment.exactOptional(),
    startedAt: Moment.exactOptional(),
    stoppedAt: Moment.exactOptional(),
    version: z.number(),
    containers: z.array(
      z.object({
        name: z.string(),
        lastStatus: z.string().exactOptional(),
        exitCode: z.number().exactOptional(),
        reason: z.string().exactOptional(),
      }),
    ),
  }),
});

/** `state` is absent for a task that is not ours. `version` orders the events of one task: a higher one is newer. */
export function taskStateChange(event: unknown): { state?: TaskState; version: number } {
  const { detail } = EcsEvent.parse(event);
  const state = taskStateOf(detail);
  return { version: detail.version, ...(state === undefined ? {} : { state }) };
}
