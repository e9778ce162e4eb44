/** The container engine of this machine: Docker if its daemon answers, else Podman, else none. */
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import * as z from 'zod';
import { signalGroup } from './proc.ts';

export interface Engine {
  kind: 'docker' | 'podman';
  version: string;
  /** Runs in a user's name: the container's root is that user, or one of theirs. */
  rootless: boolean;
  /** False where the kernel or the engine cannot limit it (rootless on cgroup v1). */
  limits: { memory: boolean; cpu: boolean };
}

/** The engine that was asked for by name cannot be used. */
export class EngineUnusableError extends Error {
  override name = 'EngineUnusableError';
}

export interface EngineSearch {
  engine?: Engine;
  /** One sentence for each that was tried, and why it is (not) used. */
  tried: string[];
}

const CHOICES = ['docker', 'podman', 'none'] as const;

/**
 * `LONGSHORE_ENGINE` = `docker`, `podman` or `none` chooses; an engine named there and not usable is an error, since
 * quietly running on something else is not what was asked for. Throws {@link EngineUnusableError}.
 */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<EngineSearch> {
  const wish = env['LONGSHORE_ENGINE'] ?? '';
  const choice = CHOICES.find((one) => one === wish);
  if (wish !== '' && choice === undefined) {
    throw new EngineUnusableError(`LONGSHORE_ENGINE is "${wish}"; it can be ${CHOICES.join(', ')}`);
  }
  if (choice === 'none') return { tried: ['LONGSHORE_ENGINE=none: jobs run on the host'] };
  const tried: string[] = [];
  for (const kind of choice === undefined ? (['docker', 'podman'] as const) : [choice]) {
    const found = await (kind === 'docker' ? lookForDocker(env) : lookForPodman(env));
    if (typeof found === 'object') {
      tried.push(`${kind} ${found.version}${found.rootless ? ', rootless' : ''}`);
      return { engine: found, tried };
    }
    tried.push(`${kind}: ${found}`);
  }
  if (choice !== undefined)
    throw new EngineUnusableError(
      `LONGSHORE_ENGINE=${choice}, but it cannot be used: ${tried.join('; ')}. Mend it, or unset LONGSHORE_ENGINE`,
    );
  return { tried };
}

export interface EngineAnswer {
  /** -1 when it gave no answer: it is not there, or hangs. */
  exitCode: number;
  stdout: string;
  stderr: string;
  isInstalled: boolean;
}

/** Between SIGTERM and SIGKILL for an engine that hangs, in milliseconds. */
const KILL_AFTER_MS = 5000;

/** Runs an engine's command and waits for it; never throws on its exit code. */
export async function askEngine(
  kind: Engine['kind'],
  args: string[],
  { env, timeoutSeconds = 60 }: { env?: NodeJS.ProcessEnv; timeoutSeconds?: number } = {},
): Promise<EngineAnswer> {
  const child = execa(kind, args, {
    reject: false,
    stdin: 'ignore',
    // A group of its own: Ctrl-C is ours to handle, and what hangs is killed with all that holds on to its output.
    detached: true,
    // Podman's monitor leaves an empty file `oom` in its working folder when the kernel kills a container for memory.
    cwd: tmpdir(),
    ...(env ? { env, extendEnv: false } : {}),
  });
  let hangs = false;
  const kill = (signal: NodeJS.Signals): void => {
    hangs = true;
    if (child.pid !== undefined) signalGroup(child.pid, signal);
  };
  const timers = [
    setTimeout(kill, timeoutSeconds * 1000, 'SIGTERM'),
    setTimeout(kill, timeoutSeconds * 1000 + KILL_AFTER_MS, 'SIGKILL'),
  ];
  const result = await child;
  for (const timer of timers) clearTimeout(timer);
  const isInstalled = result.code !== 'ENOENT';
  if (hangs || result.exitCode === undefined) {
    const why = hangs
      ? `it did not answer within ${timeoutSeconds} s`
      : (result.shortMessage ?? 'it did not run');
    return { exitCode: -1, stdout: '', stderr: `${kind} ${args[0]}: ${why}`, isInstalled };
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr, isInstalled };
}

const DockerInfo = z.object({
  ServerVersion: z.string().min(1),
  MemoryLimit: z.boolean().default(true),
  CpuCfsQuota: z.boolean().default(true),
  SecurityOptions: z.array(z.string()).nullish(),
});

/** The engine, or why it cannot be used. A client without a daemon is common, and `docker --version` is happy with it. */
async function lookForDocker(env: NodeJS.ProcessEnv): Promise<Engine | string> {
  const client = await askEngine('docker', ['--version'], { env });
  if (client.exitCode !== 0) return whyNoClient(client);
  if (/podman/i.test(client.stdout)) return 'is Podman by another name';
  const answer = await askEngine('docker', ['info', '--format', '{{json .}}'], { env, timeoutSeconds: 20 });
  const info = parse(DockerInfo, answer.stdout);
  if (answer.exitCode !== 0 || !info) return `its daemon does not answer (${lastLine(answer.stderr)})`;
  return {
    kind: 'docker',
    version: info.ServerVersion,
    rootless: info.SecurityOptions?.some((option) => option.includes('rootless')) ?? false,
    limits: { memory: info.MemoryLimit, cpu: info.CpuCfsQuota },
  };
}

const whyNoClient = ({ isInstalled, stderr }: EngineAnswer): string =>
  isInstalled ? `it does not say its version (${lastLine(stderr)})` : 'not installed';

const PodmanInfo = z.object({
  host: z.object({
    cgroupControllers: z.array(z.string()).nullish(),
    security: z.object({ rootless: z.boolean() }),
  }),
  version: z.object({ Version: z.string() }),
});

async function lookForPodman(env: NodeJS.ProcessEnv): Promise<Engine | string> {
  const client = await askEngine('podman', ['--version'], { env });
  if (client.exitCode !== 0) return whyNoClient(client);
  const answer = await askEngine('podman', ['info', '--format', 'json'], { env, timeoutSeconds: 60 });
  const info = parse(PodmanInfo, answer.stdout);
  if (answer.exitCode !== 0 || !info) return `it cannot run here (${lastLine(answer.stderr)})`;
  const controllers = info.host.cgroupControllers ?? [];
  return {
    kind: 'podman',
    version: info.version.Version,
    rootless: info.host.security.rootless,
    limits: { memory: controllers.includes('memory'), cpu: controllers.includes('cpu') },
  };
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // the engine's own words are on stderr
  }
}

/** What `image inspect` says of an image that is not there; anything else is trouble with the engine. */
export const NO_SUCH_IMAGE =
  /no such (image|object)|image not known|unable to find image|failed to find image/i;

export const lastLine = (text: string): string => text.trim().split('\n').at(-1) || 'it did not say why';
