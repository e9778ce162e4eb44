/** Every action that the double knows, by the name in `x-amz-target`. */
import type { Ecs } from '../ecs.ts';
import { createCluster } from './create-cluster.ts';
import { deleteCluster } from './delete-cluster.ts';
import { deregisterTaskDefinition } from './deregister-task-definition.ts';
import { describeClusters } from './describe-clusters.ts';
import { describeTaskDefinition } from './describe-task-definition.ts';
import { describeTasks } from './describe-tasks.ts';
import { listClusters } from './list-clusters.ts';
import { listTaskDefinitions } from './list-task-definitions.ts';
import { listTasks } from './list-tasks.ts';
import { registerTaskDefinition } from './register-task-definition.ts';
import { runTask } from './run-task.ts';
import { stopTask } from './stop-task.ts';

/** Takes the call's body, which may be anything, and returns the answer's, or throws an EcsError. */
type Action = (ecs: Ecs, input: never) => unknown;

export const ACTIONS: Record<string, Action> = {
  CreateCluster: createCluster,
  DeleteCluster: deleteCluster,
  DeregisterTaskDefinition: deregisterTaskDefinition,
  DescribeClusters: describeClusters,
  DescribeTaskDefinition: describeTaskDefinition,
  DescribeTasks: describeTasks,
  ListClusters: listClusters,
  ListTaskDefinitions: listTaskDefinitions,
  ListTasks: listTasks,
  RegisterTaskDefinition: registerTaskDefinition,
  RunTask: runTask,
  StopTask: stopTask,
};
