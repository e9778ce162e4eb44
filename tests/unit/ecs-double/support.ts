/** What the double's own tests share: the real SDK client, a small definition, and a launch of it. */
import {
  DescribeTasksCommand,
  ECSClient,
  RunTaskCommand,
  type RunTaskCommandInput,
  type Task,
} from '@aws-sdk/client-ecs';
import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import type { TaskStateChange } from '../../doubles/ecs/events.ts';
import type { EcsOptions } from '../../doubles/ecs/options.ts';
import { fastClock } from '../../doubles/ecs/clock.ts';
import { startEcsDouble, type EcsDouble } from '../../doubles/ecs/server.ts';

/** Enough to keep the order of seconds, and a test of minutes short. */
export const SPEED = 200;

type Container = NonNullable<RegisterTaskDefinitionRequest['containerDefinitions']>[number];

export const definition = (
  containerDefinitions: Container[],
  family = 'family',
): RegisterTaskDefinitionRequest => ({
  family,
  networkMode: 'awsvpc',
  requiresCompatibilities: ['FARGATE'],
  cpu: '256',
  memory: '512',
  containerDefinitions: containerDefinitions.map((one) => ({ image: 'image', ...one })),
});

/** stage-in ▸ main ▸ stage-out, as a pipeline has them. */
export const steps: Container[] = [
  { name: 'in', essential: false },
  { name: 'main', essential: false, dependsOn: [{ containerName: 'in', condition: 'SUCCESS' }] },
  { name: 'out', dependsOn: [{ containerName: 'main', condition: 'COMPLETE' }] },
];

export interface Bench {
  ecs: EcsDouble;
  client: ECSClient;
  events: TaskStateChange[];
  run: (changes?: Partial<RunTaskCommandInput>) => Promise<string>;
  describe: (taskArn: string) => Promise<Task>;
  /** Runs one, waits for its end, and tells of it. */
  carryOut: (changes?: Partial<RunTaskCommandInput>) => Promise<Task>;
  stop: () => Promise<void>;
}

export const launch: RunTaskCommandInput = {
  cluster: 'cluster',
  taskDefinition: 'family',
  networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
};
export const onSpot: Partial<RunTaskCommandInput> = {
  capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
};

export async function bench(options: EcsOptions = {}): Promise<Bench> {
  const events: TaskStateChange[] = [];
  const ecs = await startEcsDouble({
    clusters: ['cluster'],
    taskDefinitions: [definition(steps)],
    containers: () => ({}),
    clock: fastClock(SPEED),
    eventSink: async (event) => void events.push(event),
    ...options,
  });
  const client = new ECSClient({
    region: 'us-east-1',
    endpoint: ecs.endpoint,
    // Each answer is to be seen.
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const run = async (changes: Partial<RunTaskCommandInput> = {}): Promise<string> => {
    const { tasks = [], failures = [] } = await client.send(new RunTaskCommand({ ...launch, ...changes }));
    const [task] = tasks;
    if (task?.taskArn === undefined) throw new Error(`Not started: ${JSON.stringify(failures)}`);
    return task.taskArn;
  };
  const describe = async (taskArn: string): Promise<Task> => {
    const { tasks = [] } = await client.send(
      new DescribeTasksCommand({ cluster: 'cluster', tasks: [taskArn], include: ['TAGS'] }),
    );
    if (!tasks[0]) throw new Error(`There is no task ${taskArn}`);
    return tasks[0];
  };
  return {
    ecs,
    client,
    events,
    run,
    describe,
    carryOut: async (changes) => {
      const taskArn = await run(changes);
      await ecs.idle();
      return await describe(taskArn);
    },
    stop: async () => {
      client.destroy();
      await ecs.stop();
    },
  };
}

/** `name:exitCode`, or `name` of a container that never ran. */
export const ends = ({ containers = [] }: Task): string =>
  containers.map(({ name, exitCode }) => (exitCode === undefined ? name : `${name}:${exitCode}`)).join(' ');
