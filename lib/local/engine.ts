/** The container engine of this machine: Docker if its daemon answers, else Podman, else none. */
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import * as z from 'zod';

export interface Engine {
  kind: 'docker' | 'podman';
  version: string;
  /** Runs in a user's name: the container's root is that user, or one of theirs. */
  rootless: boolean;
  /** False where the kernel or the engine cannot limit it (rootless on cgroup v1). */
  limits: { memory: boolean; cpu: boolean };
}

export interface EngineSearch {
  engine?: Engine;
  /** One sentence for each that was tried, and why it is (not) used. */
  tried: string[];
}

const CHOICES = ['docker', 'podman', 'none'] as const;

/**
 * `LONGSHORE_ENGINE` = `docker`, `podman` or `none` chooses; an engine named there and not usable is an error, since
 * quietly running on something else is not what was asked for.
 */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<EngineSearch> {
  const wish = env['LONGSHORE_ENGINE'] ?? '';
  const choice = CHOICES.find((one) => one === wish);
  if (wish !== '' && choice === undefined) {
    throw new Error(`LONGSHORE_ENGINE is "${wish}"; it can be ${CHOICES.join(', ')}`);
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
    throw new Error(`LONGSHORE_ENGINE=${choice}, but it cannot be used: ${tried.join('; ')}`);
  return { tried };
}

export interface EngineAnswer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs an engine's command and waits for it; never throws on its exit code. */
export async function askEngine(
  kind: Engine['kind'],
  args: string[],
  { env, timeoutSeconds = 60 }: { env?: NodeJS.ProcessEnv; timeoutSeconds?: number } = {},
): Promise<EngineAnswer> {
  const result = await execa(kind, args, {
    reject: false,
    stdin: 'ignore',
    timeout: timeoutSeconds * 1000,
    // Podman's monitor leaves an empty file `oom` in its working folder when the kernel kills a container for memory.
    cwd: tmpdir(),
    ...(env ? { env, extendEnv: false } : {}),
  });
  if (result.exitCode === undefined) {
    return { exitCode: -1, stdout: '', stderr: result.shortMessage ?? `${kind} did not run` };
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
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

const whyNoClient = ({ stderr }: EngineAnswer): string =>
  /\bENOENT\b/.test(stderr) ? 'not installed' : `it does not say its version (${lastLine(stderr)})`;

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

export const lastLine = (text: string): string => text.trim().split('\n').at(-1) || 'it did not say why';
