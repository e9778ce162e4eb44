/** DeregisterTaskDefinition: no new task can be started from it. */
import type { DeregisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { findDefinition, shown } from '../definitions.ts';
import type { Ecs } from '../ecs.ts';
import { client } from '../errors.ts';

export function deregisterTaskDefinition(
  { state }: Ecs,
  { taskDefinition = '' }: DeregisterTaskDefinitionRequest,
): unknown {
  if (!/:\d+$/.test(taskDefinition)) throw client('Invalid revision number. The format is family:revision.');
  const found = findDefinition(state, taskDefinition);
  if (!found) throw client('The specified task definition does not exist.');
  found.status = 'INACTIVE';
  return shown(found);
}
