/** From ECS's words on a task (DescribeTasks, or the event's detail: the same fields) to a {@link TaskState}. */
import { parseLaunchId } from '../pipeline/launch-id.ts';
import type { StopCode, TaskState } from '../ports.ts';

/** The container that runs the user's image; its neighbours are stage-in and stage-out. */
export const MAIN_CONTAINER = 'main';
/** Before it, of tasks that have something to fetch: the same image. */
export const FETCH_CONTAINER = 'fetch';

type Moment = Date | string | undefined;

/** What both sources have; times are Dates in one and ISO 8601 in the other. */
export interface EcsTask {
  taskArn?: string | undefined;
  startedBy?: string | undefined;
  lastStatus?: string | undefined;
  stopCode?: string | undefined;
  stoppedReason?: string | undefined;
  pullStartedAt?: Moment;
  startedAt?: Moment;
  stoppedAt?: Moment;
  /** The event's sequence number: events come in any order, a higher version is newer. */
  version?: number | undefined;
  containers?: Container[] | undefined;
}

interface Container {
  name?: string | undefined;
  lastStatus?: string | undefined;
  exitCode?: number | undefined;
  reason?: string | undefined;
}

const STARTED_BY = /^longshore\/(.+)$/;
/** `startedBy` takes 128 characters of letters, digits, `-_/`; a launch's name has 110 at most. */
export const startedBy = (launch: string): string => `longshore/${launch}`;

const STOP_CODES: readonly string[] = [
  'EssentialContainerExited',
  'TaskFailedToStart',
  'SpotInterruption',
  'TerminationNotice',
  'UserInitiated',
  'ServiceSchedulerInitiated',
] satisfies StopCode[];

/** `undefined` for a task that is not ours: somebody may run others in the cluster. */
export function taskStateOf(task: EcsTask): TaskState | undefined {
  const [, launch = ''] = STARTED_BY.exec(task.startedBy ?? '') ?? [];
  if (!parseLaunchId(launch) || task.taskArn === undefined) return undefined;
  const main = task.containers?.find(({ name }) => name === MAIN_CONTAINER);
  const fetch = task.containers?.find(({ name }) => name === FETCH_CONTAINER);
  const reason = reasonOf(task.stoppedReason, fetch?.reason, main?.reason);
  return {
    ref: task.taskArn,
    launch,
    status: statusOf(task.lastStatus),
    ...times(task),
    ...stopCodeOf(task, main),
    ...(reason === '' ? {} : { reason }),
    ...(fetch?.lastStatus === 'STOPPED' && fetch.exitCode === 0 ? { fetched: true } : {}),
    ...(main?.exitCode === undefined ? {} : { exitCode: main.exitCode }),
    ...([fetch, main].some((one) => one?.reason?.startsWith('OutOfMemoryError'))
      ? { outOfMemory: true }
      : {}),
  };
}

/** ECS calls a task started in which stage-out ran, also where main, which it waited for, never could. */
function stopCodeOf({ stopCode }: EcsTask, main: Container | undefined): Pick<TaskState, 'stopCode'> {
  if (
    stopCode === 'EssentialContainerExited' &&
    main?.exitCode === undefined &&
    NEVER_RAN.test(main?.reason ?? '')
  )
    return { stopCode: 'TaskFailedToStart' };
  return stopCode !== undefined && STOP_CODES.includes(stopCode) ? { stopCode: stopCode as StopCode } : {};
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html */
const NEVER_RAN = /^Cannot(Pull|Create|Start)\w*Error/;

/** DEACTIVATING, STOPPING and DEPROVISIONING still hold a container, and are billed: running, until STOPPED. */
function statusOf(lastStatus: string | undefined): TaskState['status'] {
  switch (lastStatus) {
    case 'PROVISIONING':
    case 'PENDING':
    case 'ACTIVATING':
      return 'pending';
    case 'STOPPED':
      return 'stopped';
    default:
      return 'running';
  }
}

function times(task: EcsTask): Pick<TaskState, 'pullStartedAt' | 'startedAt' | 'stoppedAt'> {
  const known = (['pullStartedAt', 'startedAt', 'stoppedAt'] as const).flatMap((name) => {
    const moment = task[name];
    return moment === undefined ? [] : [[name, new Date(moment).getTime()]];
  });
  return Object.fromEntries(known);
}

/** "Essential container in task exited" says nothing that the container's own reason does not say better. */
const reasonOf = (...reasons: (string | undefined)[]): string =>
  reasons.filter((reason) => reason !== undefined && reason !== '').join('; ');
