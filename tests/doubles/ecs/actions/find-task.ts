/** Tasks by their ARN or id, for as long as ECS knows them. */
import type { Ecs } from '../ecs.ts';
import { shortName, type TaskRecord } from '../state.ts';

/** A stopped task can be described for about an hour. */
const KNOWN_SECONDS = 3600;

export const isKnown = ({ clock }: Ecs, { stoppedAt }: TaskRecord): boolean =>
  stoppedAt === undefined || clock.now() / 1000 - stoppedAt < KNOWN_SECONDS;

export function findTask(ecs: Ecs, cluster: string, task: string): TaskRecord | undefined {
  const { tasks } = ecs.state;
  const found = tasks.get(task) ?? [...tasks.values()].find(({ taskArn }) => shortName(taskArn) === task);
  return found && shortName(found.clusterArn) === cluster && isKnown(ecs, found) ? found : undefined;
}
