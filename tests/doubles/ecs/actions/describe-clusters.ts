/** DescribeClusters: those that are not known are failures with the reason MISSING. */
import type { DescribeClustersRequest } from '@aws-sdk/client-ecs';
import { shownCluster } from '../clusters.ts';
import type { Ecs } from '../ecs.ts';
import { arn, shortName } from '../state.ts';

export function describeClusters(
  { state }: Ecs,
  { clusters = ['default'] }: DescribeClustersRequest,
): unknown {
  const names = clusters.map(shortName);
  return {
    clusters: names.filter((name) => state.clusters.has(name)).map((name) => shownCluster(state, name)),
    failures: names
      .filter((name) => !state.clusters.has(name))
      .map((name) => ({ arn: arn(state, `cluster/${name}`), reason: 'MISSING' })),
  };
}
