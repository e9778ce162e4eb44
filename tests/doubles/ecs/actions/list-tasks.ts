/** ListTasks: ARNs, by cluster, family, startedBy and desired status, in pages of up to 100. */
import type { ListTasksRequest } from '@aws-sdk/client-ecs';
import { checkCluster } from '../clusters.ts';
import type { Ecs } from '../ecs.ts';
import { invalid } from '../errors.ts';
import { shortName } from '../state.ts';
import { isKnown } from './find-task.ts';
import { page } from './page.ts';

export function listTasks(ecs: Ecs, input: ListTasksRequest): unknown {
  const { cluster, family, startedBy, desiredStatus = 'RUNNING', launchType, nextToken, maxResults } = input;
  const name = checkCluster(ecs.state, cluster);
  if (startedBy !== undefined && family !== undefined) {
    throw invalid('startedBy must be the only filter that is given.');
  }
  const taskArns = [...ecs.state.tasks.values()]
    .filter(
      (task) =>
        shortName(task.clusterArn) === name &&
        task.desiredStatus === desiredStatus &&
        isKnown(ecs, task) &&
        (startedBy === undefined || task.startedBy === startedBy) &&
        (launchType === undefined || task.launchType === launchType) &&
        (family === undefined || shortName(task.taskDefinitionArn).split(':')[0] === family),
    )
    .map(({ taskArn }) => taskArn);
  const { items, next } = page(taskArns, nextToken, maxResults);
  return { taskArns: items, ...next };
}
