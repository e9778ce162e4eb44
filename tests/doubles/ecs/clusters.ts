/** Clusters: finding one, and what is told of one. */
import { noCluster } from './errors.ts';
import { arn, shortName, type EcsState, type TaskRecord } from './state.ts';

/** The cluster's name. Throws when there is none. */
export function checkCluster({ clusters }: EcsState, cluster = 'default'): string {
  const name = shortName(cluster);
  if (!clusters.has(name)) throw noCluster();
  return name;
}

export const liveTasks = (state: EcsState, cluster: string): TaskRecord[] =>
  [...state.tasks.values()].filter(
    ({ clusterArn, lastStatus }) => shortName(clusterArn) === cluster && lastStatus !== 'STOPPED',
  );

export function shownCluster(state: EcsState, name: string) {
  const tasks = liveTasks(state, name);
  const running = tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length;
  return {
    clusterArn: arn(state, `cluster/${name}`),
    clusterName: name,
    status: 'ACTIVE',
    registeredContainerInstancesCount: 0,
    runningTasksCount: running,
    pendingTasksCount: tasks.length - running,
    activeServicesCount: 0,
    capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
    defaultCapacityProviderStrategy: [],
  };
}
