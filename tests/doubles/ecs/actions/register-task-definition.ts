/** RegisterTaskDefinition. */
import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { register, shown } from '../definitions.ts';
import type { Ecs } from '../ecs.ts';

export const registerTaskDefinition = (
  { state, clock }: Ecs,
  input: RegisterTaskDefinitionRequest,
): unknown => shown(register(state, input, clock.now()));
