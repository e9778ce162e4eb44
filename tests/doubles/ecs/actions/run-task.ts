/** RunTask, with the checks of the real one. */
import { randomBytes } from 'node:crypto';
import type { RunTaskRequest } from '@aws-sdk/client-ecs';
import type { Ecs } from '../ecs.ts';
import { EcsError, invalid } from '../errors.ts';
import { cpuUnits, memoryMiB } from '../fargate-sizes.ts';
import { begin } from '../life.ts';
import { chance, pick } from '../random.ts';
import { REFUSALS, type Refusal } from '../refusals.ts';
import { arn, shortName, type DefinitionRecord, type TaskRecord } from '../state.ts';
import { checkRunTask } from './run-task-checks.ts';

/** A token is known for so long. */
const TOKEN_MS = 24 * 3_600_000;
const FREE_DISK_GIB = 20;

/** The answer must not be sent: its task runs, and nobody knows. */
export const LOST = Symbol('lost');

export function runTask(ecs: Ecs, input: RunTaskRequest): unknown {
  const { state } = ecs;
  const refusal = refused(ecs, input);
  if (refusal && 'error' in refusal) throw refusal.error;
  if (refusal && 'failures' in refusal) return { tasks: [], failures: refusal.failures };
  const known = repeated(ecs, input);
  if (known) return refusal ? LOST : { tasks: known, failures: [] };
  const definition = checkRunTask(state, input);
  const { count = 1, clientToken } = input;
  const spot = providerOf(input) === 'FARGATE_SPOT';
  const { cpu, memory } = sizeOf(definition, input);
  const full = ecs.limits.launch({ count, cpu, spot });
  if (full && 'error' in full) throw full.error;
  if (full && 'failures' in full) return { tasks: [], failures: full.failures };

  const tasks = Array.from({ length: count }, () => newTask(ecs, definition, { ...input, cpu, memory }));
  for (const [at, task] of tasks.entries()) {
    state.tasks.set(task.taskArn, task);
    const key = `${clientToken ?? input.startedBy ?? state.tasks.size}/${at}`;
    if (ecs.host) state.lives.set(task.taskArn, begin(ecs, task, definition, key));
  }
  if (clientToken !== undefined) {
    const taskArns = tasks.map(({ taskArn }) => taskArn);
    state.tokens.set(clientToken, { request: JSON.stringify(input), taskArns, at: ecs.clock.now() });
  }
  return refusal ? LOST : { tasks: structuredClone(tasks), failures: [] };
}

/** A throttle stands before everything: a repeated call may meet one whose task runs already. */
function refused(
  { state, limits, seed, options: { refusals } }: Ecs,
  input: RunTaskRequest,
): Refusal | undefined {
  if (!limits.call()) return REFUSALS.throttle;
  const next = state.refusals.shift();
  if (next || !refusals) return next;
  const key = input.clientToken ?? '';
  const same = ({ action, input: other }: (typeof state.calls)[number]): boolean =>
    action === 'RunTask' && (other['clientToken'] ?? '') === key;
  // The call itself is among them.
  const nth = state.calls.filter(same).length - 1;
  const share = typeof refusals.share === 'number' ? refusals.share : refusals.share(nth);
  if (chance(seed, 'refuse', key, nth) >= share) return undefined;
  const one = pick(refusals.of, chance(seed, 'how', key, nth));
  return typeof one === 'string' ? REFUSALS[one] : one;
}

function repeated({ state, clock }: Ecs, input: RunTaskRequest): TaskRecord[] | undefined {
  const { clientToken } = input;
  if (clientToken === undefined) return undefined;
  if (!/^[!-~]{1,64}$/.test(clientToken)) {
    throw invalid('clientToken must have at most 64 ASCII characters in the range of 33-126.');
  }
  const known = state.tokens.get(clientToken);
  if (!known || clock.now() - known.at > TOKEN_MS) return undefined;
  if (known.request !== JSON.stringify(input)) {
    throw new EcsError('ConflictException', 'The clientToken was used with other parameters', {
      resourceIds: known.taskArns,
    });
  }
  return known.taskArns.map((taskArn) => state.tasks.get(taskArn)).filter((task) => task !== undefined);
}

const providerOf = ({ capacityProviderStrategy = [] }: RunTaskRequest): string =>
  capacityProviderStrategy[0]?.capacityProvider ?? 'FARGATE';

function sizeOf(
  definition: DefinitionRecord,
  { overrides }: RunTaskRequest,
): { cpu: string; memory: string } {
  return {
    cpu: String(cpuUnits(overrides?.cpu ?? definition.cpu ?? '')),
    memory: String(memoryMiB(overrides?.memory ?? definition.memory ?? '')),
  };
}

function newTask(
  { state, clock }: Ecs,
  definition: DefinitionRecord,
  { cpu, memory, ...input }: RunTaskRequest & { cpu: string; memory: string },
): TaskRecord {
  const cluster = shortName(input.cluster ?? 'default');
  const id = randomBytes(16).toString('hex');
  const taskArn = arn(state, `task/${cluster}/${id}`);
  const subnet = input.networkConfiguration?.awsvpcConfiguration?.subnets?.[0] ?? '';
  return {
    taskArn,
    clusterArn: arn(state, `cluster/${cluster}`),
    taskDefinitionArn: definition.taskDefinitionArn,
    lastStatus: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    ...(input.startedBy === undefined ? {} : { startedBy: input.startedBy }),
    group: input.group ?? `family:${definition.family}`,
    launchType: 'FARGATE',
    platformVersion: '1.4.0',
    platformFamily: 'Linux',
    availabilityZone: `${state.region}a`,
    ...(input.capacityProviderStrategy === undefined ? {} : { capacityProviderName: providerOf(input) }),
    connectivity: 'CONNECTED',
    enableExecuteCommand: false,
    attachments: [
      {
        id: randomBytes(16).toString('hex'),
        type: 'ElasticNetworkInterface',
        status: 'ATTACHED',
        details: [{ name: 'subnetId', value: subnet }],
      },
    ],
    overrides: { ...input.overrides, containerOverrides: input.overrides?.containerOverrides ?? [] },
    containers: definition.containerDefinitions.map(({ name, image }) => ({
      containerArn: arn(state, `container/${cluster}/${id}/${randomBytes(16).toString('hex')}`),
      taskArn,
      name,
      image,
      lastStatus: 'PENDING',
      networkInterfaces: [],
      cpu: '0',
    })),
    tags: (input.tags ?? []).map(({ key = '', value = '' }) => ({ key, value })),
    cpu,
    memory,
    ephemeralStorage: { sizeInGiB: input.overrides?.ephemeralStorage?.sizeInGiB ?? FREE_DISK_GIB },
    version: 1,
    createdAt: clock.now() / 1000,
  };
}
