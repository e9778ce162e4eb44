/** The life of a task, from PROVISIONING to STOPPED. Each change makes its version grow, and is an event. */
import type { Ecs } from './ecs.ts';
import { PullError, type TaskHost } from './hosts/host.ts';
import { newMember, runMember, type Member } from './member.ts';
import type { DefinitionRecord, TaskRecord, TaskStatus } from './state.ts';

export interface Stop {
  stopCode: string;
  reason: string;
}

export interface Life {
  /** Asks all containers to stop: SIGTERM, then SIGKILL after each one's stopTimeout. Only the first reason counts. */
  stop: (why: Stop) => void;
  /** STOPPED. */
  over: Promise<void>;
}

/** What a task's life works with. */
export interface Course {
  ecs: Ecs;
  task: TaskRecord;
  /** Resolves when the task is to stop. */
  stopping: Promise<void>;
  /** Changes the task, and tells it. */
  change: (change: Partial<TaskRecord>) => void;
  stop: (why: Stop) => void;
}

/** So long may a task be PENDING: https://github.com/aws/containers-roadmap/issues/2379 and 1532. */
const PENDING_SECONDS = 3 * 3600;
const NOT_STARTED: Stop = { stopCode: 'TaskFailedToStart', reason: 'Task failed to start' };
const SPOT: Stop = { stopCode: 'SpotInterruption', reason: 'Your Spot Task was interrupted.' };

/** `key` names the task for chance. */
export function begin(ecs: Ecs, task: TaskRecord, definition: DefinitionRecord, key: string): Life {
  const asked = Promise.withResolvers<void>();
  const seconds = (): number => ecs.clock.now() / 1000;
  const change = (what: Partial<TaskRecord>): void => {
    Object.assign(task, what);
    task.version += 1;
    ecs.events.post(task, key);
  };
  const stop = ({ stopCode, reason }: Stop): void => {
    if (task.desiredStatus === 'STOPPED') return;
    change({ desiredStatus: 'STOPPED', stopCode, stoppedReason: reason, stoppingAt: seconds() });
    asked.resolve();
  };
  const course: Course = { ecs, task, stopping: asked.promise, change, stop };
  ecs.state.held.now += 1;
  ecs.state.held.most = Math.max(ecs.state.held.most, ecs.state.held.now);
  ecs.events.post(task, key);
  return { stop, over: untilStopped(course, definition) };
}

async function untilStopped(course: Course, definition: DefinitionRecord): Promise<void> {
  const { ecs, task, change, stop } = course;
  try {
    await live(course, definition);
  } catch (error) {
    console.error('The ECS double failed on a task:', error);
    stop({ stopCode: 'TaskFailedToStart', reason: `The double failed: ${String(error)}` });
  }
  ecs.state.held.now -= 1;
  change({ lastStatus: 'STOPPED', stoppedAt: ecs.clock.now() / 1000, ...detached(task) });
}

const detached = (task: TaskRecord): Pick<TaskRecord, 'attachments'> => ({
  attachments: task.attachments.map((one) => ({ ...one, status: 'DELETED' })),
});

async function live(course: Course, definition: DefinitionRecord): Promise<void> {
  const { ecs, task, stopping, change } = course;
  const { clock, host: hostOf, options } = ecs;
  if (!hostOf) throw new Error('There is nothing that could run containers');
  await Promise.race([clock.sleep((options.provisionSeconds ?? 0.1) * 1000), stopping]);
  if (task.desiredStatus === 'RUNNING') change({ lastStatus: 'PENDING' });
  const host = await hostOf(task, definition);
  const members = definition.containerDefinitions.map((one) => newMember(task, definition, one));
  try {
    const pulled = await Promise.race([pull(course, host, members), stopping]);
    if (pulled) await run(course, host, members);
  } finally {
    await host.clean();
  }
  await end(course, members);
}

async function pull(course: Course, host: TaskHost, members: Member[]): Promise<true | undefined> {
  const { ecs, task, change, stop } = course;
  change({ pullStartedAt: ecs.clock.now() / 1000 });
  try {
    const digests = await Promise.all(members.map(async ({ toRun }) => await host.pull(toRun)));
    if (task.desiredStatus === 'STOPPED') return undefined;
    for (const [at, { record }] of members.entries()) {
      const digest = digests[at];
      if (digest !== undefined) record.imageDigest = digest;
    }
    change({ pullStoppedAt: ecs.clock.now() / 1000 });
    return true;
  } catch (error) {
    if (!(error instanceof PullError)) throw error;
    stop({ stopCode: 'TaskFailedToStart', reason: error.message });
    return undefined;
  }
}

async function run(course: Course, host: TaskHost, members: Member[]): Promise<void> {
  const { stop } = course;
  void host.interrupted?.then(() => stop(SPOT));
  void deactivate(course);
  await Promise.all(
    members.map(
      async (member) => await runMember(member, { course, host, members, seen: () => look(course, members) }),
    ),
  );
}

async function deactivate({ task, change, stopping }: Course): Promise<void> {
  await stopping;
  if (task.lastStatus === 'RUNNING') change({ lastStatus: 'DEACTIVATING' });
  change({ lastStatus: 'STOPPING' });
}

/** A container has changed: what that means for the task. */
function look({ ecs, task, change, stop }: Course, members: Member[]): void {
  change({});
  const over = members.some(
    ({ record, definition }) => definition.essential && record.lastStatus === 'STOPPED',
  );
  if (over) {
    stop(
      task.startedAt === undefined
        ? NOT_STARTED
        : { stopCode: 'EssentialContainerExited', reason: 'Essential container in task exited' },
    );
    return;
  }
  // A task is as far as the container that is least far: with dependsOn it is PENDING until the last one has started.
  const running =
    members.every(({ record }) => record.lastStatus !== 'PENDING') &&
    members.some(({ record }) => record.lastStatus === 'RUNNING');
  if (running && task.lastStatus === 'PENDING' && task.desiredStatus === 'RUNNING') {
    if (ecs.clock.now() / 1000 - task.createdAt > PENDING_SECONDS) {
      stop(NOT_STARTED);
      return;
    }
    change({ lastStatus: 'ACTIVATING' });
    change({ lastStatus: 'RUNNING', startedAt: ecs.clock.now() / 1000 });
  }
}

async function end({ ecs, task, change, stop }: Course, members: Member[]): Promise<void> {
  // None of them essential, or all of them gone at once.
  stop({ stopCode: 'EssentialContainerExited', reason: 'Essential container in task exited' });
  for (const { record } of members) record.lastStatus = 'STOPPED';
  const ran = members.some(({ running }) => running !== undefined);
  change({
    lastStatus: 'DEPROVISIONING' satisfies TaskStatus,
    ...(ran ? { executionStoppedAt: ecs.clock.now() / 1000 } : {}),
  });
  await ecs.clock.sleep((ecs.options.deprovisionSeconds ?? 0.1) * 1000);
  if (task.lastStatus !== 'DEPROVISIONING') throw new Error(`The task is ${task.lastStatus}`);
}
