/** What the tests on the emulator need of a machine. */
import { execFileSync } from 'node:child_process';
import { loadEngineEnv } from '../../../cli/engine-env.mjs';
import { findEngine } from '../../../lib/local/engine.ts';

/** Why they cannot run here; `undefined` when they can. */
export async function missingForEmulator(): Promise<string | undefined> {
  try {
    execFileSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], { stdio: 'ignore' });
  } catch {
    return 'there is no Python 3.10 or later, which MiniStack needs';
  }
  loadEngineEnv(process.env);
  const { engine, tried } = await findEngine();
  return engine ? undefined : `there is no container engine (${tried.join('; ')})`;
}
