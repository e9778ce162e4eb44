/** DeleteCluster: only without tasks. */
import type { DeleteClusterRequest } from '@aws-sdk/client-ecs';
import { checkCluster, liveTasks, shownCluster } from '../clusters.ts';
import type { Ecs } from '../ecs.ts';
import { EcsError } from '../errors.ts';

export function deleteCluster({ state }: Ecs, { cluster }: DeleteClusterRequest): unknown {
  const name = checkCluster(state, cluster);
  if (liveTasks(state, name).length > 0) {
    throw new EcsError(
      'ClusterContainsTasksException',
      'The Cluster cannot be deleted while Tasks are active.',
    );
  }
  state.clusters.delete(name);
  return { cluster: { ...shownCluster(state, name), status: 'INACTIVE' } };
}
