/** The container engine, for verbs that need one. */
import { findEngine, type Engine } from '../lib/local/engine.ts';
import { EnvironmentError } from './errors.ts';

/** Throws {@link EnvironmentError} with what was tried. */
export async function needEngine(): Promise<Engine> {
  const { engine, tried } = await search();
  if (engine) return engine;
  throw new EnvironmentError(
    `There is no container engine here (${tried.join('; ')}). Install one:  bash scripts/setup.sh`,
  );
}

async function search(): ReturnType<typeof findEngine> {
  try {
    return await findEngine();
  } catch (error) {
    throw new EnvironmentError((error as Error).message, { cause: error });
  }
}
