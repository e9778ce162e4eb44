/** ListClusters: ARNs, in pages of up to 100. */
import type { ListClustersRequest } from '@aws-sdk/client-ecs';
import type { Ecs } from '../ecs.ts';
import { arn } from '../state.ts';
import { page } from './page.ts';

export function listClusters({ state }: Ecs, { nextToken, maxResults }: ListClustersRequest): unknown {
  const arns = [...state.clusters].map((name) => arn(state, `cluster/${name}`));
  const { items, next } = page(arns, nextToken, maxResults);
  return { clusterArns: items, ...next };
}
