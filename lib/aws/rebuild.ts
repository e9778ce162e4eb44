/** Where the rebuild function finds its manifest, and puts its jobs. */
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { ObjectStore, Queue } from '../ports.ts';
import { s3Config, sqsConfig } from './clients.ts';
import { readEnvironment, RebuildEnvironment } from './environment.ts';
import { S3Store } from './s3-store.ts';
import { SqsQueue } from './sqs-queue.ts';

export interface RebuildEvent {
  /** When the schedule fired (ISO 8601): the run is named by it, so that an event that comes twice is one run. */
  time?: string;
  /** Another manifest than the one of LONGSHORE_MANIFEST: its key in the state bucket. */
  manifest?: string;
  /** An earlier run to go on with. */
  run?: string;
}

export interface RebuildContext {
  manifest(event: RebuildEvent): { store: ObjectStore; key: string };
  jobs: Queue;
}

export function rebuildContext(env: Record<string, string | undefined> = process.env): RebuildContext {
  const variables = readEnvironment(RebuildEnvironment, env);
  const client = new S3Client(s3Config(env));
  const store = new S3Store({ client, bucket: variables.LONGSHORE_STATE_BUCKET });
  return {
    manifest: (event) => ({ store, key: event.manifest ?? variables.LONGSHORE_MANIFEST }),
    jobs: new SqsQueue({ client: new SQSClient(sqsConfig(env)), url: variables.LONGSHORE_JOBS_QUEUE }),
  };
}
