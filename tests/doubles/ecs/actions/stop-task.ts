/** StopTask. Of a task that stops, or has stopped, it is no error. */
import type { StopTaskRequest } from '@aws-sdk/client-ecs';
import { checkCluster } from '../clusters.ts';
import type { Ecs } from '../ecs.ts';
import { invalid } from '../errors.ts';
import { findTask } from './find-task.ts';

const MAX_REASON = 255;

export function stopTask(
  ecs: Ecs,
  { cluster, task = '', reason = 'Task stopped by user' }: StopTaskRequest,
): unknown {
  const name = checkCluster(ecs.state, cluster);
  if (reason.length > MAX_REASON) throw invalid(`reason must be at most ${MAX_REASON} characters`);
  const found = findTask(ecs, name, task);
  if (!found) throw invalid('The referenced task was not found.');
  const life = ecs.state.lives.get(found.taskArn);
  if (life) {
    life.stop({ stopCode: 'UserInitiated', reason });
  } else if (found.desiredStatus === 'RUNNING') {
    Object.assign(found, { desiredStatus: 'STOPPED', stopCode: 'UserInitiated', stoppedReason: reason });
    found.version += 1;
  }
  return { task: found };
}
