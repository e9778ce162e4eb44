/** The task runner over ECS on Fargate. */
import { createHash } from 'node:crypto';
import {
  DescribeTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
  type ECSClient,
  type RunTaskCommandInput,
} from '@aws-sdk/client-ecs';
import { parseLaunchId } from '../pipeline/launch-id.ts';
import {
  ObjectExistsError,
  type Launch,
  type LaunchOutcome,
  type ObjectStore,
  type TaskRunner,
  type TaskState,
} from '../ports.ts';
import { FREE_DISK_GIB } from '../tasks/sizes.ts';
import { ofError, ofFailures } from './ecs-refusals.ts';
import { launchSpecKey, launchSpecOf } from './launch-spec.ts';
import { MAIN_CONTAINER, startedBy, taskStateOf } from './task-state.ts';

/** DescribeTasks takes so many. */
const DESCRIBE_BATCH = 100;
/** `overrides` holds so many characters, JSON included. */
const MAX_OVERRIDES = 8192;
/** StopTask's reason. */
const MAX_REASON = 255;

export interface EcsSettings {
  client: ECSClient;
  /** For RunTask, with `maxAttempts: 1`: what is repeated after which answer is decided here. */
  launcher: ECSClient;
  cluster: string;
  subnets: string[];
  securityGroups: string[];
  /** Needed in public subnets, or nothing could be pulled; not with NAT or endpoints. */
  assignPublicIp: boolean;
  /** Family (or `family:revision`) of a task's definition. */
  taskDefinition: (task: string) => string;
  /** Where the launch specification is left for stage-in. */
  staging: ObjectStore;
}

export class EcsRunner implements TaskRunner {
  readonly #settings: EcsSettings;

  constructor(settings: EcsSettings) {
    this.#settings = settings;
  }

  async launch(launch: Launch): Promise<LaunchOutcome> {
    const input = this.#runTask(launch);
    const characters = JSON.stringify(input.overrides).length;
    if (characters > MAX_OVERRIDES) {
      return {
        outcome: 'refused',
        reason: `The overrides have ${characters} characters; ECS takes ${MAX_OVERRIDES}`,
      };
    }
    await this.#putSpec(launch);
    try {
      return await this.#run(input);
    } catch (error) {
      // The answer may have got lost: by its token, a second call finds the task. Should that one be throttled, nothing is known.
      const second = await this.#run(input);
      if (second.outcome === 'started') return second;
      throw error;
    }
  }

  /** Throws when it is open whether the task was started. */
  async #run(input: RunTaskCommandInput): Promise<LaunchOutcome> {
    try {
      const { tasks = [], failures = [] } = await this.#settings.launcher.send(new RunTaskCommand(input));
      const ref = tasks[0]?.taskArn;
      return ref === undefined ? ofFailures(failures) : { outcome: 'started', ref };
    } catch (error) {
      return ofError(error);
    }
  }

  /** Of a pack the first one stays: launched again, it may have fewer members, while its task reads who they are. */
  async #putSpec(launch: Launch): Promise<void> {
    const name = parseLaunchId(launch.id);
    const isPack = name !== undefined && 'pack' in name;
    try {
      await this.#settings.staging.put(launchSpecKey(launch.id), JSON.stringify(launchSpecOf(launch)), {
        contentType: 'application/json',
        ...(isPack ? { ifNoneMatch: '*' } : {}),
      });
    } catch (error) {
      if (!(error instanceof ObjectExistsError)) throw error;
    }
  }

  #runTask({ id, members, run, task, size, spot }: Launch): RunTaskCommandInput {
    const { cluster, subnets, securityGroups, assignPublicIp, taskDefinition } = this.#settings;
    const environment = [{ name: 'LONGSHORE_LAUNCH', value: id }];
    const [first] = members;
    return {
      cluster,
      taskDefinition: taskDefinition(task),
      count: 1,
      clientToken: clientToken(id),
      startedBy: startedBy(id),
      capacityProviderStrategy: [{ capacityProvider: spot ? 'FARGATE_SPOT' : 'FARGATE', weight: 1 }],
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets,
          securityGroups,
          assignPublicIp: assignPublicIp ? 'ENABLED' : 'DISABLED',
        },
      },
      overrides: {
        cpu: String(size.vcpu * 1024),
        memory: String(size.memoryMiB),
        // The free disk cannot be asked for by name: ECS takes 21 to 200 here.
        ...(size.diskGiB > FREE_DISK_GIB ? { ephemeralStorage: { sizeInGiB: size.diskGiB } } : {}),
        containerOverrides: ['stage-in', MAIN_CONTAINER, 'stage-out'].map((name) => ({ name, environment })),
      },
      propagateTags: 'TASK_DEFINITION',
      tags: [
        { key: 'longshore:run', value: run },
        // A tag has one value: of several jobs there is only the launch to tell.
        { key: 'longshore:job', value: members.length === 1 && first ? first.job : id },
      ],
      enableECSManagedTags: true,
    };
  }

  async describe(refs: string[]): Promise<TaskState[]> {
    const { client, cluster } = this.#settings;
    const states: TaskState[] = [];
    for (let at = 0; at < refs.length; at += DESCRIBE_BATCH) {
      // Tasks that ECS has forgotten are told as failures with the reason MISSING: left out, as the port wants it.
      const { tasks = [] } = await client.send(
        new DescribeTasksCommand({ cluster, tasks: refs.slice(at, at + DESCRIBE_BATCH) }),
      );
      states.push(...tasks.map(taskStateOf).filter((state) => state !== undefined));
    }
    return states;
  }

  async stop(ref: string, reason: string): Promise<void> {
    const { client, cluster } = this.#settings;
    try {
      await client.send(new StopTaskCommand({ cluster, task: ref, reason: reason.slice(0, MAX_REASON) }));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Nothing can be told to a container that runs: the job has its turn, and what comes of it is not published. */
  async skip(): Promise<void> {}

  /** Fargate takes a stopped task's container and disk away by itself. */
  async clean(): Promise<void> {}
}

/** At most 64 characters; the same for the same launch, so that ECS itself starts it once (within 24 hours). */
export const clientToken = (launch: string): string => createHash('sha256').update(launch).digest('hex');

const isGone = (error: unknown): boolean =>
  (error as Error).name === 'InvalidParameterException' && /not found/i.test((error as Error).message);
