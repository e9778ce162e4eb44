/** The command line of Docker or Podman: the one interface that both have and keep. */
import { tmpdir } from 'node:os';
import { execa } from 'execa';

export type EngineKind = 'docker' | 'podman';

export interface Answer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Never throws on an exit code. −1: the engine itself did not run. */
export async function ask(kind: EngineKind, args: string[], timeoutSeconds = 120): Promise<Answer> {
  const result = await execa(kind, args, {
    reject: false,
    stdin: 'ignore',
    timeout: timeoutSeconds * 1000,
    // Podman's monitor leaves an empty file `oom` in its working folder when the kernel kills a container for memory.
    cwd: tmpdir(),
  });
  const { exitCode = -1, stdout, stderr, shortMessage } = result;
  return { exitCode, stdout: stdout ?? '', stderr: exitCode === -1 ? (shortMessage ?? '') : (stderr ?? '') };
}

export const lastLine = (text: string): string => text.trim().split('\n').at(-1) || 'it did not say why';

/** Docker if its daemon answers, else Podman. Throws when there is neither. */
export async function engineKind(wish = process.env['LONGSHORE_ENGINE']): Promise<EngineKind> {
  if (wish === 'docker' || wish === 'podman') return wish;
  const docker = await ask('docker', ['info', '--format={{.ServerVersion}}'], 20);
  if (docker.exitCode === 0 && docker.stdout.trim() !== '') return 'docker';
  const podman = await ask('podman', ['info', '--format={{.Version.Version}}'], 60);
  if (podman.exitCode === 0) return 'podman';
  throw new Error(`No container engine: ${lastLine(docker.stderr)}; ${lastLine(podman.stderr)}`);
}

/** Every line that the container prints, until it ends. */
export async function follow(
  kind: EngineKind,
  name: string,
  onLine: (stream: 'stdout' | 'stderr', line: string) => void,
): Promise<void> {
  const logs = execa(kind, ['logs', '--follow', name], { reject: false, stdin: 'ignore', buffer: false });
  const read = async (stream: 'stdout' | 'stderr'): Promise<void> => {
    for await (const line of logs.iterable({ from: stream })) onLine(stream, line);
  };
  await Promise.all([read('stdout'), read('stderr'), logs]);
}
