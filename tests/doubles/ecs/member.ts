/** One container of a task: it waits for those that it depends on, runs, and is stopped after those that depend on it. */
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { Clock } from './clock.ts';
import { StartError, type ContainerToRun, type RunningContainer, type TaskHost } from './hosts/host.ts';
import { environmentOf } from './hosts/scripted.ts';
import type { Course } from './life.ts';
import type { ContainerRecord, DefinitionRecord, TaskRecord } from './state.ts';

type Definition = DefinitionRecord['containerDefinitions'][number];

export interface Member {
  definition: Definition;
  record: ContainerRecord;
  toRun: ContainerToRun;
  started: PromiseWithResolvers<void>;
  ended: PromiseWithResolvers<void>;
  running?: RunningContainer;
}

/** Without stopTimeout. */
const STOP_TIMEOUT_SECONDS = 30;

export function newMember(task: TaskRecord, { volumes }: DefinitionRecord, definition: Definition): Member {
  const record = task.containers.find(({ name }) => name === definition.name);
  if (!record) throw new Error(`The task has no container ${definition.name}`);
  const override = task.overrides.containerOverrides?.find(({ name }) => name === definition.name);
  const own = (definition.environment ?? []).map(({ name = '', value = '' }) => [name, value] as const);
  return {
    definition,
    record,
    toRun: {
      task,
      definition,
      command: override?.command ?? definition.command,
      environment: { ...Object.fromEntries(own), ...environmentOf(task, definition.name) },
      volumes,
    },
    started: Promise.withResolvers(),
    ended: Promise.withResolvers(),
  };
}

export async function runMember(
  member: Member,
  { course, host, members, seen }: { course: Course; host: TaskHost; members: Member[]; seen: () => void },
): Promise<void> {
  const { record, toRun, definition } = member;
  const { clock } = course.ecs;
  const STOPPING = Symbol('stopping');
  const obstacle = await Promise.race([
    dependencies(member, members, clock),
    course.stopping.then(() => STOPPING),
  ]);
  if (typeof obstacle === 'string') {
    // The agent reports what SIGTERM would have been, though the container never was.
    Object.assign(record, {
      exitCode: 143,
      reason: `CannotStartContainerError: dependency graph: ${obstacle}`,
    });
  } else if (obstacle === undefined && course.task.desiredStatus === 'RUNNING') {
    await carryOut(member, async () => {
      member.running = await host.start(toRun);
      record.runtimeId = member.running.runtimeId;
      record.lastStatus = 'RUNNING';
      member.started.resolve();
      seen();
      void course.stopping.then(async () => await terminate(member, members, clock));
      const { exitCode, outOfMemory } = await member.running.ended;
      record.exitCode = exitCode;
      if (outOfMemory) record.reason = 'OutOfMemoryError: Container killed due to memory usage';
    });
  }
  record.lastStatus = 'STOPPED';
  member.ended.resolve();
  if (definition.essential || member.running) seen();
}

async function carryOut({ record }: Member, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    record.reason = error.message;
  }
}

/** Those that depend on it stop first. */
async function terminate(member: Member, members: Member[], clock: Clock): Promise<void> {
  const dependents = members.filter(({ definition }) =>
    definition.dependsOn?.some(({ containerName }) => containerName === member.definition.name),
  );
  await Promise.all(dependents.map(async ({ ended }) => await ended.promise));
  if (member.record.lastStatus === 'STOPPED') return;
  const { stopTimeout = STOP_TIMEOUT_SECONDS } = member.definition;
  await member.running?.signal('SIGTERM');
  await Promise.race([member.ended.promise, clock.sleep(stopTimeout * 1000)]);
  if (member.record.lastStatus !== 'STOPPED') await member.running?.signal('SIGKILL');
}

type Dependency = NonNullable<ContainerDefinition['dependsOn']>[number];

/** Waits until the container may start. Why it never may, in the agent's words. */
async function dependencies(member: Member, members: Member[], clock: Clock): Promise<string | undefined> {
  const obstacles = (member.definition.dependsOn ?? []).map(async (dependency) => {
    const on = members.find(({ definition }) => definition.name === dependency.containerName);
    if (!on) throw new Error(`There is no container ${dependency.containerName}`);
    return await dependencyOf(member.definition.name, on, dependency.condition, clock);
  });
  // The first that can never be met is the end of waiting for the others.
  return await Promise.race([
    Promise.all(obstacles).then((all) => all.find((one) => one !== undefined)),
    ...obstacles.map(async (one) => (await one) ?? (await new Promise<never>(() => {}))),
  ]);
}

async function dependencyOf(
  target: string,
  on: Member,
  condition: Dependency['condition'],
  clock: Clock,
): Promise<string | undefined> {
  const words = `failed to resolve container ordering dependency [${on.definition.name}] for target [${target}]`;
  const { startTimeout } = on.definition;
  const TOO_LATE = Symbol('too late');
  const late =
    startTimeout === undefined || condition === 'START'
      ? new Promise<never>(() => {})
      : on.started.promise.then(async () => {
          await clock.sleep(startTimeout * 1000);
          return TOO_LATE;
        });
  const what = await Promise.race([...awaited(on, condition), late]);
  if (what === TOO_LATE) {
    return `container ordering dependency [${on.definition.name}] for target [${target}] has timed out.`;
  }
  if (condition === 'SUCCESS' && on.record.exitCode !== 0)
    return `${words} as dependency did not exit successfully.`;
  if (on.running === undefined) return `${words} because dependency will never start`;
  return condition === 'HEALTHY' && on.record.healthStatus !== 'HEALTHY' ? words : undefined;
}

/** What ends the waiting, one way or the other. */
function awaited(on: Member, condition: Dependency['condition']): Promise<void>[] {
  switch (condition) {
    case 'START':
      return [on.started.promise, on.ended.promise];
    case 'HEALTHY':
      return [healthy(on), on.ended.promise];
    default:
      return [on.ended.promise];
  }
}

async function healthy(on: Member): Promise<void> {
  await on.started.promise;
  await (on.running?.healthy ?? new Promise<never>(() => {}));
  on.record.healthStatus = 'HEALTHY';
}
