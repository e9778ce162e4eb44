/** RunTask, with the checks of the real one. */
import { randomBytes } from 'node:crypto';
import { isValidSize } from '../../../lib/tasks/sizes.ts';
import { client, EcsError, invalid } from './errors.ts';
import { arn, shortName, type EcsState, type Refusal, type TaskRecord } from './state.ts';

const MAX_OVERRIDES = 8192;
const MAX_COUNT = 10;
const STARTED_BY = /^[A-Za-z0-9/_-]{0,128}$/;

interface ContainerOverride {
  name?: string;
  environment?: { name: string; value: string }[];
}

export interface RunTaskInput {
  cluster?: string;
  taskDefinition?: string;
  count?: number;
  clientToken?: string;
  startedBy?: string;
  capacityProviderStrategy?: { capacityProvider: string }[];
  networkConfiguration?: { awsvpcConfiguration?: { subnets?: string[] } };
  overrides?: {
    cpu?: string;
    memory?: string;
    ephemeralStorage?: { sizeInGiB: number };
    containerOverrides?: ContainerOverride[];
  };
  tags?: { key: string; value: string }[];
}

export interface RunTaskOutput {
  tasks: TaskRecord[];
  failures: { arn?: string; reason: string; detail?: string }[];
}

/** `lost`: the answer must not be sent. */
export function runTask(state: EcsState, input: RunTaskInput): { output: RunTaskOutput; lost: boolean } {
  // A known token is answered before anything could refuse it.
  const known = repeated(state, input);
  if (known) return { output: { tasks: known, failures: [] }, lost: false };
  const refusal = state.refusals.shift();
  if (refusal && 'error' in refusal) throw refusal.error;
  if (refusal && 'failures' in refusal) {
    return { output: { tasks: [], failures: refusal.failures }, lost: false };
  }
  const family = check(state, input);
  const tasks = Array.from({ length: input.count ?? 1 }, () => newTask(state, input, family));
  for (const task of tasks) state.tasks.set(task.taskArn, task);
  if (input.clientToken !== undefined) {
    state.tokens.set(input.clientToken, {
      request: JSON.stringify(input),
      taskArns: tasks.map(({ taskArn }) => taskArn),
    });
  }
  return { output: { tasks, failures: [] }, lost: isLost(refusal) };
}

const isLost = (refusal: Refusal | undefined): boolean => refusal !== undefined && 'loseAnswer' in refusal;

function repeated(state: EcsState, input: RunTaskInput): TaskRecord[] | undefined {
  const { clientToken } = input;
  if (clientToken === undefined) return undefined;
  if (clientToken.length > 64) throw invalid('clientToken must be at most 64 characters');
  const known = state.tokens.get(clientToken);
  if (!known) return undefined;
  if (known.request !== JSON.stringify(input)) {
    throw new EcsError('ConflictException', 'The clientToken was used with other parameters', {
      resourceIds: known.taskArns,
    });
  }
  return known.taskArns.map((taskArn) => state.tasks.get(taskArn)).filter((task) => task !== undefined);
}

/** The family of the task definition. */
function check(state: EcsState, input: RunTaskInput): string {
  const { cluster = 'default', taskDefinition = '', count = 1, startedBy = '', overrides = {} } = input;
  if (!state.clusters.has(shortName(cluster))) {
    throw new EcsError('ClusterNotFoundException', 'Cluster not found.');
  }
  const family = shortName(taskDefinition).split(':')[0] ?? '';
  const containers = state.families.get(family);
  if (!containers) throw client('Unable to find task definition');
  if (count < 1 || count > MAX_COUNT) throw invalid(`count must be between 1 and ${MAX_COUNT}`);
  if (!STARTED_BY.test(startedBy)) throw invalid('startedBy has invalid characters, or more than 128');
  if (!input.networkConfiguration?.awsvpcConfiguration?.subnets?.length) {
    throw invalid('Network Configuration must be provided when networkMode "awsvpc" is specified.');
  }
  if (JSON.stringify(overrides).length > MAX_OVERRIDES) {
    throw invalid(`Container Overrides length must be at most ${MAX_OVERRIDES}`);
  }
  for (const { name } of overrides.containerOverrides ?? []) {
    if (name === undefined || !containers.includes(name)) {
      throw invalid(`Override for container named ${name} is not a container in the TaskDefinition.`);
    }
  }
  checkSize(overrides);
  return family;
}

function checkSize({
  cpu = '1024',
  memory = '2048',
  ephemeralStorage,
}: NonNullable<RunTaskInput['overrides']>) {
  const disk = ephemeralStorage?.sizeInGiB ?? 20;
  if (ephemeralStorage && (disk < 21 || disk > 200)) {
    throw invalid('ephemeralStorage.sizeInGiB must be between 21 and 200');
  }
  if (!isValidSize({ vcpu: Number(cpu) / 1024, memoryMiB: Number(memory), diskGiB: disk })) {
    throw invalid(`No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory.`);
  }
}

function newTask(state: EcsState, input: RunTaskInput, family: string): TaskRecord {
  const cluster = shortName(input.cluster ?? 'default');
  return {
    taskArn: arn(state, `task/${cluster}/${randomBytes(16).toString('hex')}`),
    clusterArn: arn(state, `cluster/${cluster}`),
    taskDefinitionArn: arn(state, `task-definition/${family}:1`),
    lastStatus: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    startedBy: input.startedBy,
    capacityProviderName: input.capacityProviderStrategy?.[0]?.capacityProvider,
    overrides: { ...input.overrides },
    containers: (state.families.get(family) ?? []).map((name) => ({ name, lastStatus: 'PENDING' })),
    tags: input.tags ?? [],
    cpu: input.overrides?.cpu ?? '1024',
    memory: input.overrides?.memory ?? '2048',
    version: 1,
    createdAt: Date.now() / 1000,
  };
}
