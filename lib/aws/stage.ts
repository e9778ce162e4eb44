/** What the containers beside main do on Fargate: stage-in before it, stage-out after it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import type { AttemptRecord } from '../pipeline/attempt-record.ts';
import { attemptLayout } from '../stage/layout.ts';
import { stageIn, StageInError, type StagedInputs } from '../stage/stage-in.ts';
import { stageOut } from '../stage/stage-out.ts';
import { s3Config } from './clients.ts';
import { envScript } from './env-script.ts';
import { readEnvironment, StageEnvironment } from './environment.ts';
import { LaunchSpec, launchSpecKey } from './launch-spec.ts';
import { S3Store } from './s3-store.ts';
import { STAGING_PREFIX } from './state-prefixes.ts';
import { MAIN_CONTAINER } from './task-state.ts';

type Env = Record<string, string | undefined>;

function open(env: Env) {
  const variables = readEnvironment(StageEnvironment, env);
  const client = new S3Client(s3Config(env));
  return {
    job: variables.LONGSHORE_JOB,
    attempt: variables.LONGSHORE_ATTEMPT,
    dir: variables.LONGSHORE_VOLUME,
    uploads: new S3Store({ client, bucket: variables.LONGSHORE_UPLOADS_BUCKET }),
    staging: new S3Store({ client, bucket: variables.LONGSHORE_STATE_BUCKET, prefix: STAGING_PREFIX }),
  };
}

/**
 * Brings the inputs, the runner script and the environment to the volume. When it cannot, it writes the attempt record
 * itself before it throws: main does not start then, and ECS does not start stage-out when main never did.
 */
export async function stageInOnFargate(env: Env, runScript: string): Promise<StagedInputs> {
  const { job, attempt, dir, uploads, staging } = open(env);
  const spec = LaunchSpec.parse(JSON.parse(await text(await staging.get(launchSpecKey(job, attempt)))));
  try {
    const inputs = await stageIn({ inputs: spec.inputs, uploads, dir, runScript, anyUser: true });
    await writeFile(join(attemptLayout(dir).control, 'env.sh'), envScript(spec.env));
    return inputs;
  } catch (error) {
    if (error instanceof StageInError) await stageOut({ dir, staging, job, attempt });
    throw error;
  }
}

export async function stageOutOnFargate(env: Env): Promise<AttemptRecord> {
  const { job, attempt, dir, staging } = open(env);
  const imageDigest = await mainImageDigest(env);
  return await stageOut({
    dir,
    staging,
    job,
    attempt,
    ...(imageDigest === undefined ? {} : { imageDigest }),
  });
}

/** What the task metadata endpoint (version 4) tells of a task's containers, as far as it is read here. */
interface TaskMetadata {
  Containers?: { Name?: string; ImageID?: string }[];
}

/** `sha256:…` of the image that ran. Outside of ECS there is no such endpoint, and nothing to tell. */
async function mainImageDigest(env: Env): Promise<string | undefined> {
  const endpoint = env.ECS_CONTAINER_METADATA_URI_V4;
  if (endpoint === undefined) return undefined;
  const answer = await fetch(`${endpoint}/task`);
  if (!answer.ok) throw new Error(`The task metadata endpoint answered ${answer.status} to ${endpoint}/task`);
  const { Containers = [] } = (await answer.json()) as TaskMetadata;
  return Containers.find(({ Name }) => Name === MAIN_CONTAINER)?.ImageID;
}
