/** Containers that only a script knows: how long each takes, how it ends, and what it does. Nothing is run. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { DefinitionRecord, TaskRecord } from '../state.ts';
import { PullError, StartError, type ContainerEnd, type Host, type RunningContainer } from './host.ts';

/** What one container does. */
export interface Part {
  /** Until it ends: 0. */
  seconds?: number;
  /** 0. */
  exitCode?: number;
  /** Ends as out of memory (exit code 137) after `seconds`. */
  outOfMemory?: boolean;
  /** Ends only when it is stopped. */
  hangs?: boolean;
  /** Takes no notice of SIGTERM. */
  ignoresSigterm?: boolean;
  /** Never starts, with this reason: `CannotStartContainerError: …`. */
  neverStarts?: string;
  /** Seconds until its health check is content; without it, it never is. */
  healthySeconds?: number;
  /** Done right before it ends by itself: writing outputs, for example. What it throws makes the exit code 1. */
  work?: () => Promise<void>;
}

/** What one task does. All optional: without a word, each container ends at once, with exit code 0. */
export interface Play {
  /** Seconds that the image pull takes. */
  pullSeconds?: number;
  /** No container ever starts, with this reason: `CannotPullContainerError: …`, `ResourceInitializationError: …`. */
  neverStarts?: string;
  /** The image pull never ends. */
  hangs?: boolean;
  /** Spot takes the machine back so many seconds after the pull. Only where the task is on Spot. */
  interruptedAfterSeconds?: number;
  /** By container name. */
  containers?: Record<string, Part>;
}

export interface ScriptedLaunch {
  task: TaskRecord;
  definition: DefinitionRecord;
  spot: boolean;
  /** What RunTask's overrides set for this container. */
  environment: (container: string) => Record<string, string>;
}

export type Script = (launch: ScriptedLaunch) => Play | Promise<Play>;

const never = new Promise<never>(() => {});

export const scriptedHost =
  (script: Script, clock: Clock): Host =>
  async (task, definition) => {
    const spot = task.capacityProviderName === 'FARGATE_SPOT';
    const play = await script({ task, definition, spot, environment: (name) => environmentOf(task, name) });
    const { pullSeconds = 0, neverStarts, hangs, interruptedAfterSeconds, containers = {} } = play;
    const pulled = Promise.withResolvers<void>();
    // All containers' images at once, from when they are asked for.
    let pulling: Promise<void> | undefined;
    return {
      async pull() {
        pulling ??= clock.sleep(pullSeconds * 1000).then(pulled.resolve);
        await (hangs ? never : pulling);
        if (neverStarts !== undefined) throw new PullError(neverStarts);
        return undefined;
      },
      async start({ definition: { name } }) {
        const part = containers[name] ?? {};
        if (part.neverStarts !== undefined) throw new StartError(part.neverStarts);
        return run(part, clock);
      },
      ...(spot && interruptedAfterSeconds !== undefined
        ? { interrupted: pulled.promise.then(async () => await clock.sleep(interruptedAfterSeconds * 1000)) }
        : {}),
      async clean() {},
    };
  };

function run(part: Part, clock: Clock): RunningContainer {
  const kill = Promise.withResolvers<ContainerEnd>();
  let over = false;
  const alone = async (): Promise<ContainerEnd> => {
    await (part.hangs ? never : clock.sleep((part.seconds ?? 0) * 1000));
    if (over) return await kill.promise;
    if (part.outOfMemory) return { exitCode: 137, outOfMemory: true };
    try {
      await part.work?.();
    } catch (error) {
      console.error(`A scripted container failed: ${String(error)}`);
      return { exitCode: 1 };
    }
    return { exitCode: part.exitCode ?? 0 };
  };
  return {
    runtimeId: randomBytes(16).toString('hex'),
    ended: Promise.race([kill.promise, alone()]),
    ...(part.healthySeconds === undefined ? {} : { healthy: clock.sleep(part.healthySeconds * 1000) }),
    async signal(name) {
      if (name === 'SIGTERM' && part.ignoresSigterm) return;
      over = true;
      kill.resolve({ exitCode: name === 'SIGTERM' ? 143 : 137 });
    },
  };
}

export function environmentOf({ overrides }: TaskRecord, container: string): Record<string, string> {
  const override = overrides.containerOverrides?.find(({ name }) => name === container);
  return Object.fromEntries((override?.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
}
