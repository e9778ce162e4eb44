/** DescribeTasks and StopTask. */
import { EcsError, invalid } from './errors.ts';
import { shortName, type EcsState, type TaskRecord } from './state.ts';

const MAX_DESCRIBED = 100;

export function describeTasks(state: EcsState, { cluster, tasks }: { cluster?: string; tasks?: string[] }) {
  checkCluster(state, cluster);
  if (tasks === undefined || tasks.length === 0) throw invalid('Tasks cannot be empty.');
  if (tasks.length > MAX_DESCRIBED) throw invalid(`Tasks cannot have more than ${MAX_DESCRIBED} elements`);
  const found = tasks.map((task) => find(state, task));
  return {
    tasks: found.filter((task) => task !== undefined),
    failures: tasks.filter((_, index) => !found[index]).map((arn) => ({ arn, reason: 'MISSING' })),
  };
}

export function stopTask(
  state: EcsState,
  { cluster, task = '', reason }: { cluster?: string; task?: string; reason?: string },
) {
  checkCluster(state, cluster);
  if ((reason ?? '').length > 255) throw invalid('reason must be at most 255 characters');
  const found = find(state, task);
  if (!found) throw invalid('The referenced task was not found.');
  if (found.desiredStatus === 'RUNNING') {
    found.desiredStatus = 'STOPPED';
    found.stopCode = 'UserInitiated';
    found.stoppedReason = reason ?? 'Task stopped by user';
    found.version += 1;
  }
  return { task: found };
}

function checkCluster({ clusters }: EcsState, cluster = 'default'): void {
  if (!clusters.has(shortName(cluster))) throw new EcsError('ClusterNotFoundException', 'Cluster not found.');
}

const find = ({ tasks }: EcsState, task: string): TaskRecord | undefined =>
  tasks.get(task) ?? [...tasks.values()].find(({ taskArn }) => shortName(taskArn) === task);
