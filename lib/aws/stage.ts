/** What the containers beside main do on Fargate: stage-in before it, stage-out after it. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import type { AttemptRecord } from '../pipeline/attempt-record.ts';
import type { ObjectStore } from '../ports.ts';
import { envScript } from '../stage/env-script.ts';
import { attemptLayout } from '../stage/layout.ts';
import { memberFolder, writePack } from '../stage/pack.ts';
import { stageIn, StageInError, type StagedInputs } from '../stage/stage-in.ts';
import { stageOut } from '../stage/stage-out.ts';
import { s3Config } from './clients.ts';
import { readEnvironment, StageEnvironment } from './environment.ts';
import { LaunchSpec, launchSpecKey } from './launch-spec.ts';
import { S3Store } from './s3-store.ts';
import { STAGING_PREFIX } from './state-prefixes.ts';
import { MAIN_CONTAINER } from './task-state.ts';

/** Hours of work may wait to be kept: S3 may be out of reach for a minute. */
const S3_ATTEMPTS = 10;
const METADATA_TRIES = 4;
const METADATA_TIMEOUT_MS = 5000;

type Env = Record<string, string | undefined>;
type Member = LaunchSpec['members'][number];

/** Where the two scripts are: beside the bundles in the image. */
export interface Scripts {
  run: string;
  pack: string;
}

/** What became of a member's inputs. */
export interface StagedMember {
  job: string;
  attempt: number;
  inputs: StagedInputs;
  /** Why its command cannot start. */
  failed?: StageInError;
}

interface Stage {
  spec: LaunchSpec;
  volume: string;
  uploads: ObjectStore;
  staging: ObjectStore;
}

async function open(env: Env): Promise<Stage> {
  const variables = readEnvironment(StageEnvironment, env);
  const client = new S3Client({ ...s3Config(env), maxAttempts: S3_ATTEMPTS });
  const staging = new S3Store({ client, bucket: variables.LONGSHORE_STATE_BUCKET, prefix: STAGING_PREFIX });
  const spec = await text(await staging.get(launchSpecKey(variables.LONGSHORE_LAUNCH)));
  return {
    spec: LaunchSpec.parse(JSON.parse(spec)),
    volume: variables.LONGSHORE_VOLUME,
    uploads: new S3Store({ client, bucket: variables.LONGSHORE_UPLOADS_BUCKET }),
    staging,
  };
}

/** A job alone has the volume to itself; of several each has a folder of its own in it. */
const dirOf = ({ spec, volume }: Stage, member: Member): string =>
  spec.members.length === 1 ? volume : join(volume, memberFolder(spec.members.indexOf(member)));

/**
 * Brings the inputs, the scripts and the environment to the volume. Main need not start when no member has its inputs: then it
 * writes the attempt records itself before it throws, since ECS then starts stage-out no more than main.
 */
export async function stageInOnFargate(env: Env, scripts: Scripts): Promise<StagedMember[]> {
  const stage = await open(env);
  const { spec, volume } = stage;
  if (spec.members.length > 1) await openFolder(join(volume, 'members'));
  const staged: StagedMember[] = [];
  for (const member of spec.members) staged.push(await stageMember(stage, member, scripts.run));
  const ready = spec.members.filter((_, index) => !staged[index]?.failed);
  if (ready.length === 0) {
    for (const member of spec.members) await stageOutMember(stage, member);
    throw staged[0]?.failed ?? new Error('The launch has no members');
  }
  const controlOf = (member: Member): string => attemptLayout(dirOf(stage, member)).control;
  if (spec.members.length === 1) {
    for (const member of ready) await writeFile(join(controlOf(member), 'env.sh'), envScript(member.env));
  } else {
    const members = ready.map((member) => ({
      member,
      control: controlOf(member),
      dir: dirOf(stage, member),
    }));
    await writePack(join(volume, 'control'), members, { script: scripts.pack, anyUser: true });
  }
  return staged;
}

async function stageMember(stage: Stage, member: Member, runScript: string): Promise<StagedMember> {
  const { job, attempt, inputs, fetch } = member;
  const dir = dirOf(stage, member);
  try {
    return {
      job,
      attempt,
      inputs: await stageIn({
        inputs,
        uploads: stage.uploads,
        dir,
        ...(fetch ? { fetch } : {}),
        runScript,
        anyUser: true,
      }),
    };
  } catch (error) {
    if (!(error instanceof StageInError)) throw error;
    return { job, attempt, inputs: [], failed: error };
  }
}

async function openFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o777);
}

/**
 * One record for each member, whatever the end of the others. `unknownImage` is told why a record has no digest of its image: no
 * reason to lose the outputs.
 */
export async function stageOutOnFargate(
  env: Env,
  unknownImage: (error: unknown) => void,
): Promise<AttemptRecord[]> {
  const stage = await open(env);
  const imageDigest = await mainImageDigest(env).catch((error: unknown) => {
    unknownImage(error);
    return undefined;
  });
  const records: AttemptRecord[] = [];
  for (const member of stage.spec.members) records.push(await stageOutMember(stage, member, imageDigest));
  return records;
}

async function stageOutMember(stage: Stage, member: Member, imageDigest?: string): Promise<AttemptRecord> {
  const { job, attempt } = member;
  return await stageOut({
    dir: dirOf(stage, member),
    staging: stage.staging,
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
  const { Containers = [] } = await askMetadata(`${endpoint}/task`);
  return Containers.find(({ Name }) => Name === MAIN_CONTAINER)?.ImageID;
}

/** The endpoint throttles, and the user's container may ask it too. */
async function askMetadata(url: string): Promise<TaskMetadata> {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(METADATA_TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`The task metadata endpoint answered ${answer.status} to ${url}`);
      return (await answer.json()) as TaskMetadata;
    } catch (error) {
      if (tries === METADATA_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** tries));
    }
  }
}
