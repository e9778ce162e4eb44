/** DescribeTaskDefinition: also of one that is inactive, when its revision is named. */
import type { DescribeTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { findDefinition, shown } from '../definitions.ts';
import type { Ecs } from '../ecs.ts';
import { client } from '../errors.ts';

export function describeTaskDefinition(
  { state }: Ecs,
  { taskDefinition = '' }: DescribeTaskDefinitionRequest,
): unknown {
  const found = findDefinition(state, taskDefinition);
  if (!found) throw client('Unable to describe task definition.');
  return shown(found);
}
