/** ListTaskDefinitions: ARNs, by family and status, in pages of up to 100. */
import type { ListTaskDefinitionsRequest } from '@aws-sdk/client-ecs';
import type { Ecs } from '../ecs.ts';
import { page } from './page.ts';

export function listTaskDefinitions({ state }: Ecs, input: ListTaskDefinitionsRequest): unknown {
  const { familyPrefix, status = 'ACTIVE', sort, nextToken, maxResults } = input;
  const arns = [...state.definitions.values()]
    .flat()
    .filter((one) => one.status === status && (familyPrefix === undefined || one.family === familyPrefix))
    .map(({ taskDefinitionArn }) => taskDefinitionArn);
  const { items, next } = page(sort === 'DESC' ? arns.toReversed() : arns, nextToken, maxResults);
  return { taskDefinitionArns: items, ...next };
}
