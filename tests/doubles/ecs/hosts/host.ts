/** What runs a task's containers: an engine, or a script. */
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { DefinitionRecord, TaskRecord } from '../state.ts';

/** The image cannot be had: the task never starts. The message is as ECS words it. */
export class PullError extends Error {
  override name = 'PullError';
}
/** The container cannot be made or started. The message is as ECS words it. */
export class StartError extends Error {
  override name = 'StartError';
}

export interface ContainerEnd {
  exitCode: number;
  outOfMemory?: boolean;
}

export interface RunningContainer {
  runtimeId: string;
  ended: Promise<ContainerEnd>;
  /** Resolves when the health check says so; never when it does not. Absent without a health check. */
  healthy?: Promise<void>;
  signal(name: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** One container of one task, as it is to run: the overrides are in it. */
export interface ContainerToRun {
  task: TaskRecord;
  definition: ContainerDefinition & { name: string; image: string };
  command: string[] | undefined;
  environment: Record<string, string>;
  volumes: DefinitionRecord['volumes'];
}

/** One task's containers. */
export interface TaskHost {
  /** Seconds that it takes beyond what the double itself takes. Throws {@link PullError}. Returns the image's digest. */
  pull(container: ContainerToRun): Promise<string | undefined>;
  /** Throws {@link StartError}. */
  start(container: ContainerToRun): Promise<RunningContainer>;
  /** When Spot takes the machine back; never, when absent. */
  interrupted?: Promise<void>;
  /** All containers have ended: what they left behind goes. */
  clean(): Promise<void>;
}

export type Host = (task: TaskRecord, definition: DefinitionRecord) => Promise<TaskHost>;
