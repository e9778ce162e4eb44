/** Real containers, by the command line of Docker or Podman: one container each, and a volume for those that share one. */
import { chance } from '../random.ts';
import { shortName, type TaskRecord } from '../state.ts';
import { LABEL, runArguments, volumeName } from './engine-arguments.ts';
import { ask, engineKind, follow, lastLine, type EngineKind } from './engine-command.ts';
import { watchHealth } from './engine-health.ts';
import type { EngineHostSettings, EngineOptions } from './engine-options.ts';
import {
  PullError,
  StartError,
  type ContainerEnd,
  type ContainerToRun,
  type Host,
  type RunningContainer,
} from './host.ts';

/** Between the first try, without an init, and ever after. */
let hasInit = true;

export async function engineHost(settings: EngineHostSettings): Promise<Host> {
  const kind = settings.options.kind ?? (await engineKind());
  return async (task) => {
    const id = shortName(task.taskArn);
    const names: string[] = [];
    const interruption = interruptionOf(task, settings);
    return {
      pull: async ({ definition }) => await pull(kind, settings.options, definition.image),
      start: async (container) => {
        const name = `ecs-${id.slice(0, 12)}-${container.definition.name}`;
        names.push(name);
        return await start(kind, name, container, settings);
      },
      ...(interruption ? { interrupted: interruption } : {}),
      clean: async () => {
        if (settings.options.keep) return;
        if (names.length > 0) await ask(kind, ['rm', '--force', '--volumes', ...names]);
        const volumes = await ask(kind, ['volume', 'ls', '--quiet', `--filter=label=${LABEL}.task=${id}`]);
        const left = volumes.stdout.split('\n').filter((line) => line !== '');
        if (left.length > 0) await ask(kind, ['volume', 'rm', '--force', ...left]);
      },
    };
  };
}

function interruptionOf(
  task: TaskRecord,
  { options, seed, sleep }: EngineHostSettings,
): Promise<void> | undefined {
  const { share = 0, afterSeconds: [from, to] = [0, 0] } = options.interrupt ?? {};
  const key = task.startedBy ?? task.taskArn;
  if (task.capacityProviderName !== 'FARGATE_SPOT' || chance(seed, 'spot', key) >= share) return undefined;
  return sleep((from + (to - from) * chance(seed, 'spot after', key)) * 1000);
}

async function pull(kind: EngineKind, options: EngineOptions, image: string): Promise<string | undefined> {
  const here = options.image?.(image) ?? image;
  if (options.pull) {
    const pulled = await ask(kind, ['pull', '--quiet', here], 600);
    if (pulled.exitCode !== 0) throw cannotPull(lastLine(pulled.stderr));
  }
  const seen = await ask(kind, ['image', 'inspect', '--format={{.Id}}', here]);
  if (seen.exitCode !== 0) throw cannotPull(`${image}: not found`);
  const id = seen.stdout.trim();
  return id.startsWith('sha256:') ? id : `sha256:${id}`;
}

const cannotPull = (why: string): PullError =>
  new PullError(
    `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${why}`,
  );

async function start(
  kind: EngineKind,
  name: string,
  container: ContainerToRun,
  settings: EngineHostSettings,
): Promise<RunningContainer> {
  const { options } = settings;
  for (const volume of container.volumes ?? []) await makeVolume(kind, container.task, volume.name ?? '');
  const tryIt = async () => await ask(kind, runArguments(name, container, settings, { kind, init: hasInit }));
  let answer = await tryIt();
  if (answer.exitCode !== 0 && /container-init binary not found/.test(answer.stderr)) {
    // Podman without catatonit: PID 1 is the command itself, then.
    hasInit = false;
    await ask(kind, ['rm', '--force', name]);
    answer = await tryIt();
  }
  if (answer.exitCode !== 0) {
    const error = answer.exitCode === 125 ? 'CannotCreateContainerError' : 'CannotStartContainerError';
    throw new StartError(`${error}: Error response from daemon: ${lastLine(answer.stderr)}`);
  }
  const { onLog } = options;
  const logged = onLog
    ? follow(kind, name, (stream, line) =>
        onLog({ task: container.task, container: container.definition.name, stream, line }),
      )
    : Promise.resolve();
  const { healthCheck } = container.definition;
  const killed = { byUs: false };
  return {
    runtimeId: answer.stdout.trim(),
    ended: ended(kind, name, logged, killed),
    ...(healthCheck ? { healthy: watchHealth(kind, name, healthCheck, settings.sleep) } : {}),
    signal: async (signal) => {
      if (signal === 'SIGKILL') killed.byUs = true;
      await ask(kind, ['kill', `--signal=${signal}`, name]);
    },
  };
}

async function ended(
  kind: EngineKind,
  name: string,
  logged: Promise<void>,
  killed: { byUs: boolean },
): Promise<ContainerEnd> {
  // The engine's own answer may be lost when the container goes at the same moment; the look afterwards decides.
  await ask(kind, ['wait', name], 24 * 3600);
  await logged;
  const seen = await ask(kind, [
    'container',
    'inspect',
    '--format={{.State.ExitCode}} {{.State.OOMKilled}}',
    name,
  ]);
  const [exitCode = '', oom] = seen.stdout.trim().split(' ');
  if (seen.exitCode !== 0) throw new Error(`The container ${name} is gone: ${lastLine(seen.stderr)}`);
  // Podman tells it only of the container's first process; a child of it that was killed makes it 137 just as well.
  const outOfMemory = oom === 'true' || (exitCode === '137' && !killed.byUs);
  return { exitCode: Number(exitCode), outOfMemory };
}

async function makeVolume(kind: EngineKind, task: TaskRecord, volume: string): Promise<void> {
  const label = `--label=${LABEL}.task=${shortName(task.taskArn)}`;
  const made = await ask(kind, ['volume', 'create', label, volumeName(task, volume)]);
  if (made.exitCode !== 0 && !/already exists/i.test(made.stderr)) {
    throw new StartError(`CannotCreateVolumeError: Error response from daemon: ${lastLine(made.stderr)}`);
  }
}
