/** Finds what runs containers here. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class NoEngineError extends Error {
  override name = 'NoEngineError';
  constructor() {
    super('No container engine: install podman, or start the Docker daemon, or name one in LONGSHORE_ENGINE');
  }
}

/**
 * The command of a container engine: `LONGSHORE_ENGINE`, else `docker` when its daemon answers, else `podman`.
 *
 * @throws NoEngineError when there is none; Error when the one named by LONGSHORE_ENGINE does not answer
 */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env['LONGSHORE_ENGINE'];
  if (named) {
    if (await answers(named, env)) return named;
    throw new Error(
      `LONGSHORE_ENGINE=${named} does not answer to “${named} version”: start it or name another`,
    );
  }
  for (const engine of ['docker', 'podman']) if (await answers(engine, env)) return engine;
  throw new NoEngineError();
}

/** `version` fails when the client is there but not the daemon behind it. */
async function answers(engine: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return run(engine, ['version'], { env }).then(
    () => true,
    () => false,
  );
}
