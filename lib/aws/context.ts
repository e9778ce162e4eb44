/** The pipeline's context on AWS, from the environment. */
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { PipelineContext, PipelineSettings } from '../pipeline/context.ts';
import type { Log, ObjectStore, TaskRunner } from '../ports.ts';
import { LARGEST_SIZE } from '../tasks/sizes.ts';
import { s3Config, sqsConfig } from './clients.ts';
import { BaseEnvironment, readEnvironment } from './environment.ts';
import { JobsQueue } from './jobs-queue.ts';
import { idleRunner } from './idle-runner.ts';
import { S3Records } from './s3-records.ts';
import { S3Store } from './s3-store.ts';
import { SqsQueue } from './sqs-queue.ts';
import { LEDGER_PREFIX, STAGING_PREFIX } from './state-prefixes.ts';
import { StepQueue } from './step-queue.ts';

export interface AwsParts {
  log: Log;
  tasks: PipelineContext['tasks'];
  /** Made from the staging store, since that is how it talks to stage-in. Without it nothing can be launched. */
  runner?: (staging: ObjectStore) => TaskRunner;
  env?: Record<string, string | undefined>;
}

export function awsContext({ log, tasks, runner, env = process.env }: AwsParts): PipelineContext {
  const variables = readEnvironment(BaseEnvironment, env);
  const s3 = new S3Client(s3Config(env));
  const sqs = new SQSClient(sqsConfig(env));
  const bucket = (name: string, prefix = ''): S3Store => new S3Store({ client: s3, bucket: name, prefix });
  const queue = (url: string): SqsQueue => new SqsQueue({ client: sqs, url });
  const staging = bucket(variables.LONGSHORE_STATE_BUCKET, STAGING_PREFIX);
  return {
    stores: {
      uploads: bucket(variables.LONGSHORE_UPLOADS_BUCKET),
      output: bucket(variables.LONGSHORE_OUTPUT_BUCKET),
      quarantine: bucket(variables.LONGSHORE_QUARANTINE_BUCKET),
      staging,
    },
    records: new S3Records({ client: s3, bucket: variables.LONGSHORE_STATE_BUCKET, prefix: LEDGER_PREFIX }),
    jobs: new JobsQueue({
      jobs: queue(variables.LONGSHORE_JOBS_QUEUE),
      wake: queue(variables.LONGSHORE_WAKE_QUEUE),
    }),
    steps: new StepQueue({
      validate: queue(variables.LONGSHORE_VALIDATE_QUEUE),
      publish: queue(variables.LONGSHORE_METADATA_QUEUE),
    }),
    runner: runner?.(staging) ?? idleRunner,
    clock: {
      now: () => Date.now(),
      sleep: async (ms) => await new Promise((resolve) => setTimeout(resolve, ms)),
    },
    log,
    fetch: globalThis.fetch,
    tasks,
    settings: settingsOf(variables),
  };
}

/** The state bucket as a whole: manifests are beside the ledger. */
export function stateBucket(env: Record<string, string | undefined> = process.env): S3Store {
  const { LONGSHORE_STATE_BUCKET } = readEnvironment(BaseEnvironment, env);
  return new S3Store({ client: new S3Client(s3Config(env)), bucket: LONGSHORE_STATE_BUCKET });
}

const settingsOf = (variables: BaseEnvironment): PipelineSettings => ({
  maxTasks: variables.LONGSHORE_MAX_TASKS,
  limits: variables.LONGSHORE_LIMITS,
  ceiling: LARGEST_SIZE,
  spotAvailable: variables.LONGSHORE_SPOT,
  stepTimeoutSeconds: variables.LONGSHORE_STEP_TIMEOUT,
  architecture: variables.LONGSHORE_ARCHITECTURE,
});
