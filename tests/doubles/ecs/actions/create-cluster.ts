/** CreateCluster: of one that exists, it is no error. */
import type { CreateClusterRequest } from '@aws-sdk/client-ecs';
import { shownCluster } from '../clusters.ts';
import type { Ecs } from '../ecs.ts';
import { invalid } from '../errors.ts';

const NAME = /^[A-Za-z0-9_-]{1,255}$/;

export function createCluster({ state }: Ecs, { clusterName = 'default' }: CreateClusterRequest): unknown {
  if (!NAME.test(clusterName)) throw invalid('Invalid cluster name.');
  state.clusters.add(clusterName);
  return { cluster: shownCluster(state, clusterName) };
}
