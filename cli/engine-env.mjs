/**
 * What scripts/engine/ensure.sh found out about this machine's container engine: variables for the engine and for us, in
 * `~/.cache/longshore/engine.env`. Plain JavaScript, for the launcher.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export function engineEnvFile(env) {
  const cache = env.LONGSHORE_CACHE_DIR ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'longshore');
  return join(cache, 'engine.env');
}

/** Adds the file's variables to `env`, except those that are set: the user's own word counts more. */
export function loadEngineEnv(env) {
  let text;
  try {
    text = readFileSync(engineEnvFile(env), 'utf8');
  } catch (error) {
    // Never set up by our scripts: the engine is used with its own settings.
    if (error.code === 'ENOENT') return;
    throw error;
  }
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) env[name] ??= value;
  }
}
