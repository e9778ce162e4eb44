/** Task definitions: finding one, and what is wrong with one. */
import type { ContainerDefinition, RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { client, invalid } from './errors.ts';
import { isFargateSize, noSuchSize } from './fargate-sizes.ts';
import { arn, shortName, type DefinitionRecord, type EcsState } from './state.ts';

/** `family`, `family:revision`, or the ARN. A family alone is its latest active revision. */
export function findDefinition({ definitions }: EcsState, name: string): DefinitionRecord | undefined {
  const [family = '', revision] = shortName(name).split(':');
  const revisions = definitions.get(family) ?? [];
  return revision === undefined
    ? revisions.findLast(({ status }) => status === 'ACTIVE')
    : revisions[Number(revision) - 1];
}

export function register(
  state: EcsState,
  input: RegisterTaskDefinitionRequest,
  now: number,
): DefinitionRecord {
  checkDefinition(input);
  const { family = '', containerDefinitions = [] } = input;
  const revisions = state.definitions.get(family) ?? [];
  const revision = revisions.length + 1;
  const record: DefinitionRecord = {
    ...input,
    family,
    containerDefinitions: containerDefinitions.map((one) => ({
      ...one,
      name: one.name ?? '',
      image: one.image ?? '',
      essential: one.essential ?? true,
    })),
    taskDefinitionArn: arn(state, `task-definition/${family}:${revision}`),
    revision,
    status: 'ACTIVE',
    registeredAt: now / 1000,
  };
  state.definitions.set(family, [...revisions, record]);
  return record;
}

/** As the answers have one. */
export const shown = ({ tags = [], ...taskDefinition }: DefinitionRecord) => ({
  taskDefinition: { compatibilities: ['EC2', 'FARGATE'], ...taskDefinition },
  tags,
});

const FAMILY = /^[A-Za-z0-9_-]{1,255}$/;
/** What Fargate allows at most. */
const MAX_STOP_TIMEOUT = 120;
const CONDITIONS = new Set(['START', 'COMPLETE', 'SUCCESS', 'HEALTHY']);

function checkDefinition({
  family = '',
  containerDefinitions = [],
  cpu,
  memory,
  networkMode,
  volumes = [],
}: RegisterTaskDefinitionRequest): void {
  if (!FAMILY.test(family)) throw client('Family contains invalid characters.');
  if (containerDefinitions.length === 0) throw client('Container list cannot be empty.');
  if (networkMode !== 'awsvpc') throw client("Fargate only supports network mode 'awsvpc'.");
  if (cpu === undefined || memory === undefined) {
    throw client("Fargate requires that 'cpu' and 'memory' be defined at the task level.");
  }
  if (!isFargateSize(cpu, memory)) throw client(noSuchSize(cpu, memory));
  if (containerDefinitions.every(({ essential }) => essential === false)) {
    throw client('Task definition does not have any essential container.');
  }
  const names = containerDefinitions.map(({ name = '' }) => name);
  if (new Set(names).size < names.length) throw client('Container names must be unique.');
  const volumeNames = new Set(volumes.map(({ name }) => name));
  const checked = new Set(containerDefinitions.filter((one) => one.healthCheck).map(({ name }) => name));
  for (const container of containerDefinitions) checkContainer(container, names, volumeNames, checked);
  checkNoCircle(containerDefinitions);
}

function checkContainer(
  { name = '', image = '', stopTimeout = 30, mountPoints = [], dependsOn = [] }: ContainerDefinition,
  names: string[],
  volumes: Set<string | undefined>,
  healthChecked: Set<string | undefined>,
): void {
  if (!FAMILY.test(name)) throw client('Container name contains invalid characters.');
  if (image === '') throw client('Container.image should not be null or empty.');
  if (stopTimeout > MAX_STOP_TIMEOUT) {
    throw client(`The stopTimeout of container ${name} must be at most ${MAX_STOP_TIMEOUT} on Fargate.`);
  }
  for (const { sourceVolume = '' } of mountPoints) {
    if (!volumes.has(sourceVolume)) {
      throw client(
        `The 'sourceVolume' for a mount point in container ${name}, ${sourceVolume}, is not a volume.`,
      );
    }
  }
  for (const { containerName = '', condition = '' } of dependsOn) {
    if (!names.includes(containerName)) {
      throw client(`The container ${name} depends on a non-existent container: ${containerName}.`);
    }
    if (condition === 'HEALTHY' && !healthChecked.has(containerName)) {
      throw client(
        `The container ${name} waits for ${containerName} to be HEALTHY, which has no healthCheck.`,
      );
    }
    if (!CONDITIONS.has(condition)) throw invalid(`Invalid condition ${condition} in dependsOn.`);
  }
}

function checkNoCircle(containers: ContainerDefinition[]): void {
  const left = new Map(
    containers.map(({ name, dependsOn = [] }) => [name, dependsOn.map(({ containerName }) => containerName)]),
  );
  for (;;) {
    const free = [...left].filter(([, needs]) => !needs.some((one) => left.has(one))).map(([name]) => name);
    if (free.length === 0) break;
    for (const name of free) left.delete(name);
  }
  if (left.size > 0) throw client('Container dependencies must not be circular.');
}
