/** One command in one container, and what it took: wall, CPU and memory, measured by `measure.sh` inside it. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Measurement {
  /** From the command's start to its end; the container's own start is not counted. */
  wallSeconds: number;
  /** User and system time of everything in the container. */
  cpuSeconds: number;
  /** Peak of anonymous and mapped pages: what the processes hold. */
  heldMiB: number;
  /** The kernel's high-water mark, page cache included. */
  chargedMiB: number;
}

export interface MeasuredRun {
  engine: string;
  image: string;
  command: readonly string[];
  /** Gets `input` and `output` as last arguments, like every handler. */
  input: string;
  /** Emptied first. Holds `output`, `scratch` and the measurement afterwards. */
  work: string;
  env: Record<string, string>;
  /** Further read-only mounts, folder by place in the container. */
  mounts: Record<string, string>;
  cpus: number;
  /** None: what the machine has. */
  memoryMiB: number | undefined;
}

/**
 * Runs and measures.
 *
 * @throws Error with the command's last words when it fails
 */
export async function measuredRun(options: MeasuredRun): Promise<Measurement> {
  const { engine, work } = options;
  await rm(work, { recursive: true, force: true });
  for (const folder of ['output', 'scratch', 'measure']) {
    await mkdir(join(work, folder), { recursive: true });
    // The image's user is not ours.
    await chmod(join(work, folder), 0o777);
  }
  const env = { ...options.env, TMPDIR: '/scratch' };
  const mounts = { ...options.mounts, [import.meta.dirname]: '/bench', [options.input]: '/input' };
  const limits = [`--cpus=${options.cpus}`];
  if (options.memoryMiB) limits.push(`--memory=${options.memoryMiB}m`, `--memory-swap=${options.memoryMiB}m`);
  const measured = ['/bench/measure.sh', '/measure/result', ...options.command, '/input', '/output'];
  try {
    await run(
      engine,
      [
        'run',
        '--rm',
        '--network=none',
        '--entrypoint=/bin/sh',
        ...limits,
        ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
        ...Object.entries(mounts).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
        ...['output', 'scratch', 'measure'].flatMap((folder) => [
          '--volume',
          `${join(work, folder)}:/${folder}`,
        ]),
        options.image,
        ...measured,
      ],
      { maxBuffer: 256 * 1024 * 1024 },
    );
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new Error(
      `${options.image} failed on ${options.input}: ${stderr.trim().split('\n').slice(-5).join('\n')}`,
      {
        cause: error,
      },
    );
  }
  return parseMeasurement(await readFile(join(work, 'measure', 'result'), 'utf8'));
}

function parseMeasurement(text: string): Measurement {
  const numbers = text.trim().split(' ').map(Number);
  const [began, ended, cpuBefore, cpuAfter, perSecond, held, charged] = numbers;
  if (numbers.length !== 8 || numbers.some((number) => !Number.isFinite(number))) {
    throw new Error(`measure.sh wrote “${text.trim()}”: the container cannot read its cgroup`);
  }
  return {
    wallSeconds: ended! - began!,
    cpuSeconds: (cpuAfter! - cpuBefore!) / perSecond!,
    heldMiB: held! / 2 ** 20,
    chargedMiB: charged! / 2 ** 20,
  };
}
