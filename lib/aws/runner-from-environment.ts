/** The ECS runner, from the environment. A module of its own, so that only functions that need it bundle the ECS client. */
import { ECSClient } from '@aws-sdk/client-ecs';
import type { ObjectStore, TaskRunner } from '../ports.ts';
import { awsConfig } from './clients.ts';
import { EcsRunner } from './ecs-runner.ts';
import { readEnvironment, RunnerEnvironment } from './environment.ts';

export function ecsRunner(
  staging: ObjectStore,
  env: Record<string, string | undefined> = process.env,
): TaskRunner {
  const variables = readEnvironment(RunnerEnvironment, env);
  return new EcsRunner({
    client: new ECSClient(awsConfig(env)),
    launcher: new ECSClient({ ...awsConfig(env), maxAttempts: 1 }),
    cluster: variables.LONGSHORE_CLUSTER,
    subnets: variables.LONGSHORE_SUBNETS,
    securityGroups: variables.LONGSHORE_SECURITY_GROUPS,
    assignPublicIp: variables.LONGSHORE_ASSIGN_PUBLIC_IP,
    taskDefinition: (task) => `${variables.LONGSHORE_TASK_FAMILY_PREFIX}${task}`,
    staging,
  });
}
