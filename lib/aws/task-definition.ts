/**
 * From a task file to CloudFormation: the ECS task definition, its log group and its image repository. serverless.yml takes
 * it through resources/task-definitions.cjs.
 */
import type { TaskDefinition } from '../tasks/define-task.ts';
import { pushedImagesFile, type PushedImages } from './pushed-images.ts';
import { WENT_WELL } from '../stage/fetch.ts';
import { FETCH_CONTAINER, MAIN_CONTAINER } from './task-state.ts';

/** The volume that the containers share, in each of them. */
export const VOLUME = '/longshore';
/** Of the image of stage-in and stage-out (containers/stage). */
export const STAGE_IMAGE = 'longshore/stage';
/** Of the tag that each push gives besides the one it was asked for. */
export const BUILD_TAG_PREFIX = 'build-';
const VOLUME_NAME = 'longshore';
/** Java and others write here whatever $TMPDIR says. */
const TMP = '/tmp';
const TMP_NAME = 'tmp';
/** Who everything in a task runs as. The stage image gives the volumes to this user (see its Dockerfile). */
const USER = '1000:1000';
/** What Fargate allows at most between SIGTERM and SIGKILL, and what Spot's two minutes are for. */
const STOP_TIMEOUT_SECONDS = 120;

export interface TaskTemplateSettings {
  service: string;
  stage: string;
  /** Registry host and path of the images; empty: this account's ECR, where each task has a repository. */
  registry: string;
  /** Of images that `pushed` does not know. */
  imageTag: string;
  /** What was pushed for this stage: these images are named by their digests. */
  pushed: PushedImages;
  architecture: 'x86_64' | 'arm64';
  logRetentionInDays: number;
}

type Json = string | number | boolean | Json[] | { [key: string]: Json };
export type Resources = Record<
  string,
  { Type: string; Properties: Record<string, Json> } & Record<string, Json>
>;

/** `osm-mapsforge` → `OsmMapsforge`, as logical ids must be. */
export const logicalName = (task: string): string =>
  task.replace(/(^|-)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase());

/** The stage image and, for each task, everything that it needs. */
export function taskResources(tasks: Iterable<TaskDefinition>, settings: TaskTemplateSettings): Resources {
  const resources: Resources = { StageRepository: repository(STAGE_IMAGE, settings) };
  for (const task of tasks) {
    const name = logicalName(task.name);
    resources[`${name}Repository`] = repository(task.image, settings);
    resources[`${name}TaskLogGroup`] = {
      Type: 'AWS::Logs::LogGroup',
      Properties: {
        LogGroupName: logGroupName(logGroupPrefix(settings), task.name),
        RetentionInDays: settings.logRetentionInDays,
      },
    };
    for (const [variable, description] of Object.entries(task.secrets ?? {})) {
      resources[secretId(task, variable)] = secret(task, variable, description, settings);
    }
    resources[`${name}Task`] = taskDefinition(task, settings);
  }
  return resources;
}

export const familyPrefix = ({ service, stage }: Pick<TaskTemplateSettings, 'service' | 'stage'>): string =>
  `${service}-${stage}-`;

/** Of the log groups of a stage's tasks. */
export const logGroupPrefix = ({ service, stage }: Pick<TaskTemplateSettings, 'service' | 'stage'>): string =>
  `/${service}/${stage}/`;
export const logGroupName = (prefix: string, task: string): string => prefix + task;

/** As the awslogs driver names it: prefix (ours is the container's name), container, id of the task. */
export const logStreamName = (name: string, taskArn: string): string =>
  `${name}/${name}/${taskArn.slice(taskArn.lastIndexOf('/') + 1)}`;

function repository(image: string, { service, stage }: TaskTemplateSettings): Resources[string] {
  const untagged = {
    rulePriority: 1,
    description: 'Images that a newer one took the tag of',
    selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
    action: { type: 'expire' },
  };
  // Every push has a tag of its own besides, so that what a stack names by its digest does not lose its last tag.
  const builds = {
    rulePriority: 2,
    description: 'All but the last builds',
    selection: {
      tagStatus: 'tagged',
      tagPrefixList: [BUILD_TAG_PREFIX],
      countType: 'imageCountMoreThan',
      countNumber: 50,
    },
    action: { type: 'expire' },
  };
  return {
    Type: 'AWS::ECR::Repository',
    Properties: {
      RepositoryName: `${service}-${stage}/${image}`,
      ImageScanningConfiguration: { ScanOnPush: true },
      EncryptionConfiguration: { EncryptionType: 'AES256' },
      // Images are built again from the repository's sources: removing the stack may remove them.
      EmptyOnDelete: true,
      LifecyclePolicy: { LifecyclePolicyText: JSON.stringify({ rules: [untagged, builds] }) },
    },
  };
}

/** `EARTHDATA_TOKEN` of hdf5-netcdf → `Hdf5NetcdfEarthdataTokenSecret`. */
const secretId = (task: TaskDefinition, variable: string): string =>
  `${logicalName(task.name)}${logicalName(variable.toLowerCase().replaceAll('_', '-'))}Secret`;

/** Empty until somebody puts its value: nothing of a secret is in a template or an environment variable of ours. */
const secret = (
  task: TaskDefinition,
  variable: string,
  description: string,
  { service, stage }: TaskTemplateSettings,
): Resources[string] => ({
  Type: 'AWS::SecretsManager::Secret',
  Properties: { Name: `${service}-${stage}/${task.name}/${variable}`, Description: description },
});

/** By reference: ECS reads the values when a task starts. */
const secretReferences = (task: TaskDefinition): Record<string, Json> => {
  const variables = Object.keys(task.secrets ?? {});
  if (variables.length === 0) return {};
  return {
    Secrets: variables.map((variable) => ({ Name: variable, ValueFrom: { Ref: secretId(task, variable) } })),
  };
};

/** As `longshore image push` named it. Throws when it was pushed to another registry than the stack takes it from. */
function imageUri(image: string, settings: TaskTemplateSettings): Json {
  const { service, stage, registry, imageTag, pushed } = settings;
  const known = Object.hasOwn(pushed, image) ? pushed[image] : undefined;
  const own = `.dkr.ecr.\${AWS::Region}.\${AWS::URLSuffix}/${service}-${stage}`;
  if (known) checkRegistry(image, known.registry, settings);
  const version = known ? `@${known.digest}` : `:${imageTag}`;
  return registry === ''
    ? { 'Fn::Sub': `\${AWS::AccountId}${own}/${image}${version}` }
    : `${registry}/${image}${version}`;
}

function checkRegistry(
  image: string,
  pushedTo: string,
  { service, stage, registry }: TaskTemplateSettings,
): void {
  const ecr = new RegExp(
    String.raw`^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/${service}-${stage}$`,
  );
  if (registry === '' ? ecr.test(pushedTo) : registry === pushedTo) return;
  throw new Error(
    `${image} was pushed to ${pushedTo} (${pushedImagesFile(stage)}), but the stack takes its images from ${registry || "this account's ECR"}: push it there, or set --param registry=${pushedTo}`,
  );
}

/** Images that no push is recorded of: the stack names them by a tag, which may move. */
export function unpinned(
  tasks: Iterable<TaskDefinition>,
  { pushed }: Pick<TaskTemplateSettings, 'pushed'>,
): string[] {
  return [STAGE_IMAGE, ...[...tasks].map(({ image }) => image)].filter(
    (image) => !Object.hasOwn(pushed, image),
  );
}

function taskDefinition(task: TaskDefinition, settings: TaskTemplateSettings): Resources[string] {
  return {
    Type: 'AWS::ECS::TaskDefinition',
    Properties: {
      Family: familyPrefix(settings) + task.name,
      RequiresCompatibilities: ['FARGATE'],
      NetworkMode: 'awsvpc',
      // Each launch says its own size; these are what a launch by hand, without overrides, would get.
      Cpu: '1024',
      Memory: '2048',
      RuntimePlatform: {
        OperatingSystemFamily: 'LINUX',
        CpuArchitecture: settings.architecture === 'arm64' ? 'ARM64' : 'X86_64',
      },
      ExecutionRoleArn: { 'Fn::GetAtt': ['ExecutionRole', 'Arn'] },
      TaskRoleArn: { 'Fn::GetAtt': ['TaskRole', 'Arn'] },
      Volumes: [{ Name: VOLUME_NAME }, { Name: TMP_NAME }],
      ContainerDefinitions: [
        stageContainer('stage-in', task, settings),
        ...(task.fetch ? [fetchContainer(task, task.fetch.command, settings)] : []),
        mainContainer(task, settings),
        stageContainer('stage-out', task, settings),
      ],
      Tags: [{ Key: 'longshore:task', Value: task.name }],
    },
  };
}

/** What all have. */
function container(containerName: string, name: string): Record<string, Json> {
  return {
    Name: containerName,
    User: USER,
    ReadonlyRootFilesystem: true,
    MountPoints: [
      { SourceVolume: VOLUME_NAME, ContainerPath: VOLUME, ReadOnly: false },
      { SourceVolume: TMP_NAME, ContainerPath: TMP, ReadOnly: false },
    ],
    StopTimeout: STOP_TIMEOUT_SECONDS,
    LogConfiguration: {
      LogDriver: 'awslogs',
      Options: {
        // The account decides otherwise. stage-out keeps the whole log: no container is to stand still for CloudWatch.
        mode: 'non-blocking',
        'max-buffer-size': '10m',
        'awslogs-group': { Ref: `${name}TaskLogGroup` },
        'awslogs-region': { Ref: 'AWS::Region' },
        'awslogs-stream-prefix': containerName,
      },
    },
  };
}

/**
 * stage-in ▸ (fetch ▸) main ▸ stage-out. No StartTimeout anywhere: it is how long the next container waits for this one, and an
 * input may take an hour to fetch. stage-out starts with main, and waits for its end by itself (AFTER_MAIN).
 */
function stageContainer(
  step: 'stage-in' | 'stage-out',
  task: TaskDefinition,
  settings: TaskTemplateSettings,
): Record<string, Json> {
  return {
    ...container(step, logicalName(task.name)),
    Image: imageUri(STAGE_IMAGE, settings),
    // The task ends with stage-out, and only then: what an essential container's end ends must not be essential.
    ...(step === 'stage-in'
      ? { Command: ['stage-in.mjs'], Essential: false }
      : {
          EntryPoint: ['sh', '-c', AFTER_MAIN, 'longshore'],
          Command: ['node', 'stage-out.mjs'],
          Essential: true,
          DependsOn: [beforeMain(task)],
        }),
    Environment: [
      // For its log.
      { Name: 'LONGSHORE_TASK', Value: task.name },
      { Name: 'LONGSHORE_UPLOADS_BUCKET', Value: { Ref: 'UploadsBucket' } },
      { Name: 'LONGSHORE_STATE_BUCKET', Value: { Ref: 'StateBucket' } },
      { Name: 'LONGSHORE_VOLUME', Value: VOLUME },
    ],
  };
}

/** Parameters come as a file: RunTask's overrides hold 8,192 characters. */
const ENV = `. ${VOLUME}/control/env.sh`;
const FETCH = `${VOLUME}/control/fetch`;

/** What fetch runs, with its command as arguments: nothing for a job that has nothing to fetch. */
export const START_FETCH = `[ ! -e ${FETCH}/run.sh ] || { ${ENV} && exec sh ${FETCH}/run.sh "$@" ${VOLUME}/input ${VOLUME}/output; }`;

/** A pipe that lies here as long as main has begun, and that whatever lives in its container holds open. */
const ALIVE = `${VOLUME}/control/alive`;
/** After this it is not waited for any more that main begins: its image could not be pulled, or has no shell. */
const BEGIN_SECONDS = 900;

/** What main runs, with its command as arguments. */
export const START = [
  `mkfifo ${ALIVE}.new && exec 5<>${ALIVE}.new && mv ${ALIVE}.new ${ALIVE}`,
  // It had to be fetched, and was not: stage-out tells why.
  `if [ -e ${FETCH}/run.sh ]; then read -r end <${FETCH}/exit.json; case $end in '${WENT_WELL}'*) ;; *) exit 1 ;; esac; fi`,
  // Several jobs share this launch: each has its own folders and its own environment.
  `[ ! -e ${VOLUME}/control/pack.sh ] || exec sh ${VOLUME}/control/pack.sh container "$@"`,
  `${ENV} && exec sh ${VOLUME}/control/run.sh "$@" ${VOLUME}/input ${VOLUME}/output`,
].join('\n');

/**
 * What stage-out runs, with its command as arguments: it waits for main's end, however that comes about. ECS could do that
 * (COMPLETE), but then the task were PENDING all that time, and ECS stops what is PENDING for three hours: docs/decisions/0071.
 */
export const AFTER_MAIN = [
  "trap 'exit 143' TERM",
  `left=${BEGIN_SECONDS}`,
  `until [ -p ${ALIVE} ] || [ "$left" -eq 0 ]; do sleep 1; left=$((left - 1)); done`,
  // Main has got it too.
  "trap '' TERM",
  // A pipe that nobody holds open is at its end at once; as long as somebody does, there might still be something to read.
  `while [ -p ${ALIVE} ] && ! dd if=${ALIVE} of=/dev/null count=1 iflag=nonblock 2>/dev/null; do sleep 1; done`,
  'exec "$@"',
].join('\n');

const afterStageIn = { ContainerName: 'stage-in', Condition: 'SUCCESS' };

/** Whatever fetch's end was: were it to wait for its success, ECS would never start stage-out, which tells why. */
const beforeMain = (task: TaskDefinition): Record<string, string> =>
  task.fetch ? { ContainerName: FETCH_CONTAINER, Condition: 'COMPLETE' } : afterStageIn;

/** A container of its own only for this: that its end is an event, at which others may fetch from the same mirror. */
const fetchContainer = (
  task: TaskDefinition,
  command: string[],
  settings: TaskTemplateSettings,
): Record<string, Json> => ({
  ...ownContainer(FETCH_CONTAINER, task, settings),
  EntryPoint: ['sh', '-c', START_FETCH, 'longshore'],
  Command: command,
  DependsOn: [afterStageIn],
});

const mainContainer = (task: TaskDefinition, settings: TaskTemplateSettings): Record<string, Json> => ({
  ...ownContainer(MAIN_CONTAINER, task, settings),
  EntryPoint: ['sh', '-c', START, 'longshore'],
  Command: task.command,
  DependsOn: [beforeMain(task)],
});

/** Of the task's own image. */
function ownContainer(
  name: string,
  task: TaskDefinition,
  settings: TaskTemplateSettings,
): Record<string, Json> {
  return {
    ...container(name, logicalName(task.name)),
    Image: imageUri(task.image, settings),
    Essential: false,
    Environment: [
      { Name: 'TMPDIR', Value: `${VOLUME}/tmp` },
      // pack.sh empties it after each job.
      { Name: 'LONGSHORE_SCRATCH', Value: TMP },
    ],
    ...secretReferences(task),
    // An init that reaps children and passes signals on, as `docker run --init` has.
    LinuxParameters: { InitProcessEnabled: true },
  };
}
