/**
 * A whole AWS on this machine: the emulator, the stack deployed to it, and our ECS double, which runs the stack's own task
 * definitions in real containers.
 */
import {
  DescribeTaskDefinitionCommand,
  ECSClient,
  ListTaskDefinitionsCommand,
  type RegisterTaskDefinitionRequest,
} from '@aws-sdk/client-ecs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { loadEngineEnv } from '../../../cli/engine-env.mjs';
import { needEngine } from '../../../cli/engine.ts';
import { buildImage, STAGE } from '../../../cli/images.ts';
import { awsContext } from '../../../lib/aws/context.ts';
import { describeStack, stackEnvironment } from '../../../lib/aws/stack.ts';
import type { PipelineContext } from '../../../lib/pipeline/context.ts';
import { quietLog } from '../../contract/support/quiet-log.ts';
import type { TaskStateChange } from '../../doubles/ecs/events.ts';
import { putEvents } from '../../doubles/ecs/put-events.ts';
import { startEcsDouble, type EcsDouble } from '../../doubles/ecs/server.ts';
import { logDriver } from './log-driver.ts';
import { freePort, startEmulator, type Emulator } from './emulator.ts';
import { serverless, type Ended } from './serverless.ts';

export const STAGE_NAME = 'test';

export interface Cloud {
  emulator: Emulator;
  ecs: EcsDouble;
  /** What a process needs to work with all of it: the command, serverless, an SDK client. */
  env: Record<string, string>;
  /** The stack's names and settings, as the command finds them. */
  stack: Record<string, string>;
  deployed: Ended;
  /** The pipeline's own view of it. */
  ctx: PipelineContext;
  /** Credentials that the containers have. */
  taskRole: Record<string, string>;
  stop(): Promise<void>;
}

/** `loses`: the share of a task's events that never come. */
export async function startCloud({ loses }: { loses: (event: TaskStateChange) => number }): Promise<Cloud> {
  const before = { ...process.env };
  loadEngineEnv(process.env);
  await buildImage(await needEngine(), STAGE, { stdio: 'ignore' });
  const port = await freePort();
  const ecsEndpoint = `http://127.0.0.1:${port}`;
  const emulator = await startEmulator({ AWS_ENDPOINT_URL_ECS: ecsEndpoint });
  const stops = [
    async () => {
      process.env = before;
      await emulator.stop();
    },
  ];
  const stop = async (): Promise<void> => {
    // Each of them, whatever became of the one before.
    const ends: PromiseSettledResult<void>[] = [];
    for (const one of stops.toReversed()) ends.push(...(await Promise.allSettled([one()])));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  };
  try {
    const deployed = await serverless(['deploy', '--stage', STAGE_NAME], emulator.env);
    if (deployed.code !== 0) throw new Error(`The stack was not deployed: ${deployed.stdout}`);
    // The SDK's clients of this process look there.
    Object.assign(process.env, emulator.env);
    const stack = stackEnvironment(await describeStack(STAGE_NAME, process.env)) as Record<string, string>;
    const prefix = stack.LONGSHORE_TASK_FAMILY_PREFIX ?? '';
    const logs = logDriver(
      (family) => (stack.LONGSHORE_LOG_GROUP_PREFIX ?? '') + family.slice(prefix.length),
    );
    const taskDefinitions = await registered();
    const taskRole = await takeRole(taskDefinitions[0]?.taskRoleArn ?? '');
    const ecs = await startEcsDouble({
      port,
      clusters: [stack.LONGSHORE_CLUSTER ?? ''],
      taskDefinitions,
      containers: 'engine',
      engine: {
        environment: {
          ...taskRole,
          AWS_ENDPOINT_URL: emulator.endpoint,
          // The emulator's certificate is its own; the file with it is not in the images.
          NODE_TLS_REJECT_UNAUTHORIZED: '0',
        },
        // From the stack's repositories in ECR to what was built here.
        image: (uri) => uri.slice(uri.indexOf('/longshore/') + 1),
        onLog: (line) => logs.write(line),
      },
      eventSink: putEvents(emulator.endpoint),
      events: { lose: loses },
    });
    stops.push(async () => await ecs.stop());
    const env = { ...emulator.env, AWS_ENDPOINT_URL_ECS: ecsEndpoint, LONGSHORE_STAGE: STAGE_NAME };
    Object.assign(process.env, env);
    stops.push(async () => await logs.flushed());
    const ctx = awsContext({ log: quietLog(), tasks: new Map(), env: { ...process.env, ...stack } });
    return { emulator, ecs, env, stack, deployed, ctx, taskRole, stop };
  } catch (error) {
    const said = await emulator.log();
    await stop();
    throw new Error(`${String(error)}\n${said.slice(-5000)}`, { cause: error });
  }
}

/** The task definitions that CloudFormation made, for our ECS. */
async function registered(): Promise<RegisterTaskDefinitionRequest[]> {
  const client = new ECSClient({});
  const { taskDefinitionArns = [] } = await client.send(new ListTaskDefinitionsCommand({}));
  return await Promise.all(
    taskDefinitionArns.map(async (taskDefinition) => {
      const { taskDefinition: found } = await client.send(
        new DescribeTaskDefinitionCommand({ taskDefinition }),
      );
      return found as RegisterTaskDefinitionRequest;
    }),
  );
}

/** As Fargate gives it to a task: credentials of the stack's task role, so that its policy is judged as well. */
async function takeRole(RoleArn: string): Promise<Record<string, string>> {
  const { Credentials: role } = await new STSClient({}).send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName: 'task' }),
  );
  return {
    AWS_ACCESS_KEY_ID: role?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: role?.SecretAccessKey ?? '',
    AWS_SESSION_TOKEN: role?.SessionToken ?? '',
  };
}
