/** From a container of a task to the arguments of `docker run` and `podman run`. */
import { availableParallelism } from 'node:os';
import { shortName, type TaskRecord } from '../state.ts';
import type { EngineKind } from './engine-command.ts';
import type { EngineHostSettings, EngineOptions } from './engine-options.ts';
import type { ContainerToRun } from './host.ts';

export const LABEL = 'longshore.ecs-double';

export const volumeName = (task: TaskRecord, volume: string): string =>
  `ecs-${shortName(task.taskArn).slice(0, 12)}-${volume}`;

/** `init`: whether the engine has one, should the definition ask for it. */
export function runArguments(
  name: string,
  container: ContainerToRun,
  settings: EngineHostSettings,
  engine: { kind: EngineKind; init: boolean },
): string[] {
  return ['run', ...flags(name, container, settings, engine), ...words(container, settings.options)];
}

function flags(
  name: string,
  { task, definition, environment }: ContainerToRun,
  { options, region, endpoint }: EngineHostSettings,
  { kind, init }: { kind: EngineKind; init: boolean },
): string[] {
  const { network = 'host' } = options;
  const reach = options.endpoint ?? (network === 'host' ? endpoint : undefined);
  const env = {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    ...(reach === undefined
      ? {}
      : { ECS_CONTAINER_METADATA_URI_V4: `${reach}/v4/${shortName(task.taskArn)}-${definition.name}` }),
    ...options.environment,
    ...environment,
  };
  // Fargate limits the task; its containers may share all of it, unless they have limits of their own.
  const memory = definition.memory ?? task.memory;
  const [entryPoint] = definition.entryPoint ?? [];
  return [
    '--detach',
    '--pull=never',
    `--name=${name}`,
    `--label=${LABEL}=${task.taskArn}`,
    `--network=${network}`,
    `--memory=${memory}m`,
    `--memory-swap=${memory}m`,
    `--cpus=${Math.min(Number(task.cpu) / 1024, availableParallelism())}`,
    '--security-opt=no-new-privileges',
    ...(definition.linuxParameters?.initProcessEnabled && init ? ['--init'] : []),
    // Podman would put a tmpfs on /tmp, /run and /var/tmp, which Fargate does not.
    ...(definition.readonlyRootFilesystem
      ? ['--read-only', ...(kind === 'podman' ? ['--read-only-tmpfs=false'] : [])]
      : []),
    ...(definition.user === undefined ? [] : [`--user=${definition.user}`]),
    ...(definition.workingDirectory === undefined ? [] : [`--workdir=${definition.workingDirectory}`]),
    ...(definition.mountPoints ?? []).map(
      ({ sourceVolume = '', containerPath = '', readOnly }) =>
        `--volume=${volumeName(task, sourceVolume)}:${containerPath}${readOnly ? ':ro' : ''}`,
    ),
    ...Object.entries(env).map(([key, value]) => `--env=${key}=${value}`),
    ...(entryPoint === undefined ? [] : [`--entrypoint=${entryPoint}`]),
  ];
}

/** The image and its arguments. Only an entry point's first word is a flag's value, on both engines. */
function words({ definition, command = [] }: ContainerToRun, options: EngineOptions): string[] {
  const [, ...rest] = definition.entryPoint ?? [];
  return [options.image?.(definition.image) ?? definition.image, ...rest, ...command];
}
