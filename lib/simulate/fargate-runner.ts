/** The task runner over a simulated ECS: the requests of `lib/aws/ecs-runner.ts`, and its reading of refusals. */
import { ofError, ofFailures } from '../aws/ecs-refusals.ts';
import { launchSpecKey } from '../aws/launch-spec.ts';
import type { ObjectStore, TaskRunner } from '../ports.ts';
import type { SimulatedFargate } from './fargate.ts';
import type { Call } from './meter.ts';

/** DescribeTasks takes so many. */
const DESCRIBE_BATCH = 100;

export function fargateRunner(fargate: SimulatedFargate, staging: ObjectStore, call: Call): TaskRunner {
  return {
    async launch(launch) {
      await staging.put(launchSpecKey(launch.id), '{}');
      await call('ecs:RunTask');
      try {
        const ref = fargate.runTask(launch);
        return ref === undefined
          ? ofFailures([{ reason: 'Capacity is unavailable at this time. Please try again later' }])
          : { outcome: 'started', ref };
      } catch (error) {
        return ofError(error);
      }
    },
    async describe(refs) {
      for (let at = 0; at < refs.length; at += DESCRIBE_BATCH) await call('ecs:DescribeTasks');
      return fargate.describe(refs);
    },
    async stop(ref, reason) {
      await call('ecs:StopTask');
      fargate.stopTask(ref, reason);
    },
    async skip() {},
    async clean() {},
  };
}
