/** DescribeTasks: up to 100; those that are not known are failures with the reason MISSING. */
import type { DescribeTasksRequest } from '@aws-sdk/client-ecs';
import { checkCluster } from '../clusters.ts';
import type { Ecs } from '../ecs.ts';
import { invalid } from '../errors.ts';
import type { TaskRecord } from '../state.ts';
import { findTask } from './find-task.ts';

const MAX_TASKS = 100;

export function describeTasks(
  ecs: Ecs,
  { cluster, tasks = [], include = [] }: DescribeTasksRequest,
): unknown {
  const name = checkCluster(ecs.state, cluster);
  if (tasks.length === 0) throw invalid('Tasks cannot be empty.');
  if (tasks.length > MAX_TASKS) throw invalid(`Tasks cannot have more than ${MAX_TASKS} elements`);
  const found = tasks.map((task) => findTask(ecs, name, task));
  return {
    tasks: found.filter((task) => task !== undefined).map((task) => shown(task, include.includes('TAGS'))),
    failures: tasks.filter((_, at) => !found[at]).map((arn) => ({ arn, reason: 'MISSING' })),
  };
}

const shown = ({ tags, ...task }: TaskRecord, withTags: boolean) => ({ ...task, tags: withTags ? tags : [] });
