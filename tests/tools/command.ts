/** Runs the real `longshore` command in a child process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const LAUNCHER = fileURLToPath(new URL('../../cli/longshore.mjs', import.meta.url));

export interface Ended {
  /** 128 + n when signal n ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
}

export function startLongshore(args: string[], env: NodeJS.ProcessEnv = {}): Running {
  // Jest's own options are not the command's.
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...env },
  });
  const code = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve(status ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
  });
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]).then(
    ([status, stdout, stderr]) => ({
      code: status,
      stdout,
      stderr,
    }),
  );
  return { child, ended };
}

export async function longshore(...args: string[]): Promise<Ended> {
  return await startLongshore(args).ended;
}
