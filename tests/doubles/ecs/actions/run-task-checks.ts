/** Why a RunTask can never work. */
import type { RunTaskRequest, TaskOverride } from '@aws-sdk/client-ecs';
import { findDefinition } from '../definitions.ts';
import { client, invalid, noCluster } from '../errors.ts';
import { isFargateSize, noSuchSize } from '../fargate-sizes.ts';
import { shortName, type DefinitionRecord, type EcsState } from '../state.ts';

const MAX_OVERRIDES = 8192;
const MAX_COUNT = 10;
const MAX_TAGS = 50;
const STARTED_BY = /^[A-Za-z0-9/_-]{0,128}$/;
const PROVIDERS = new Set(['FARGATE', 'FARGATE_SPOT']);

export function checkRunTask(state: EcsState, input: RunTaskRequest): DefinitionRecord {
  const {
    cluster = 'default',
    taskDefinition = '',
    count = 1,
    startedBy = '',
    overrides = {},
    tags = [],
  } = input;
  if (!state.clusters.has(shortName(cluster))) throw noCluster();
  if (taskDefinition === '') throw client('Task definition can not be blank.');
  const definition = findDefinition(state, taskDefinition);
  if (!definition) throw client('Unable to find task definition: TaskDefinition not found.');
  if (definition.status === 'INACTIVE') throw client('TaskDefinition is inactive');
  if (count < 1 || count > MAX_COUNT) throw invalid(`count must be between 1 and ${MAX_COUNT}`);
  if (!STARTED_BY.test(startedBy)) throw invalid('startedBy has invalid characters, or more than 128');
  if (tags.length > MAX_TAGS) throw invalid(`Tags can not have more than ${MAX_TAGS} elements`);
  if (!input.networkConfiguration?.awsvpcConfiguration?.subnets?.length) {
    throw invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  checkPlace(input);
  checkOverrides(overrides, definition);
  return definition;
}

function checkPlace({ launchType, capacityProviderStrategy }: RunTaskRequest): void {
  if (launchType !== undefined && capacityProviderStrategy !== undefined) {
    throw invalid('Specify either launch type or capacity provider strategy');
  }
  if (launchType !== undefined && launchType !== 'FARGATE')
    throw invalid('No Container Instances were found in your cluster.');
  for (const { capacityProvider = '' } of capacityProviderStrategy ?? []) {
    if (!PROVIDERS.has(capacityProvider)) {
      throw invalid(`The specified capacity provider ${capacityProvider} was not found.`);
    }
  }
}

function checkOverrides(overrides: TaskOverride, definition: DefinitionRecord): void {
  if (JSON.stringify(overrides).length > MAX_OVERRIDES) {
    throw invalid(`Container Overrides length must be at most ${MAX_OVERRIDES}`);
  }
  for (const { name = '' } of overrides.containerOverrides ?? []) {
    if (!definition.containerDefinitions.some((one) => one.name === name)) {
      throw invalid(`Override for container named ${name} is not a container in the TaskDefinition.`);
    }
  }
  const disk = overrides.ephemeralStorage?.sizeInGiB;
  if (disk !== undefined && (disk < 21 || disk > 200)) {
    throw invalid('ephemeralStorage.sizeInGiB must be between 21 and 200');
  }
  const { cpu = definition.cpu ?? '', memory = definition.memory ?? '' } = overrides;
  if (!isFargateSize(cpu, memory)) throw invalid(noSuchSize(cpu, memory));
}
