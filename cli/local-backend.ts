/** `--backend local`: a home folder, worked on by this process. */
import { join } from 'node:path';
import { fileLog } from '../lib/local/file-log.ts';
import { openHome, type Home } from '../lib/local/home.ts';
import { serve } from '../lib/local/serve.ts';
import { BadSettingsError } from '../lib/local/settings.ts';
import type { Log } from '../lib/ports.ts';
import type { Backend } from './backend.ts';
import { containerMemory } from './container-memory.ts';
import { EnvironmentError } from './errors.ts';
import type { MemoryOf } from './job-watch.ts';
import { buildMissingImages } from './missing-images.ts';
import type { Output } from './streams.ts';
import { readTasks, type Tasks } from './tasks-folder.ts';

export async function openLocal(dir: string, log: Log, out: Output, given?: Tasks): Promise<Backend> {
  const home = await openLocalHome(dir, log, given);
  return {
    ctx: home.ctx,
    async prepare(names, options) {
      const tasks = names.flatMap((name) => home.ctx.tasks.get(name) ?? []);
      await buildMissingImages((await home.engine()).engine, tasks, out, options);
    },
    // eslint-disable-next-line typescript/require-await -- the other backend has something to wait for
    async drive(run) {
      const controller = new AbortController();
      const serving = serve(home, { run, signal: controller.signal });
      // Whoever races against it may have gone when it ends.
      const failed = serving.then(async () => await new Promise<never>(() => {}));
      failed.catch(() => {});
      return {
        failed,
        stop: async () => {
          controller.abort();
          await serving;
          home.close();
        },
      };
    },
    pollMs: 200,
    cancelOnInterrupt: true,
    liveLogs: true,
    memoryOf: memoryIn(home),
  };
}

/** `given` instead of those of the project. Throws {@link EnvironmentError} for a folder or settings that cannot be used. */
export async function openLocalHome(dir: string, log: Log, given?: Tasks): Promise<Home> {
  const tasks = given ?? (await readTasks());
  try {
    return await openHome({ dir, tasks, log: fileLog(join(dir, 'logs'), log) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof BadSettingsError) throw new EnvironmentError(error.message, { cause: error });
    if (code === undefined) throw error;
    throw new EnvironmentError(
      `The home folder ${dir} cannot be used (${code}): make it writable, or give another with --home or LONGSHORE_HOME`,
      { cause: error },
    );
  }
}

/** `undefined` for jobs that run without an engine. */
export function memoryIn(home: Home): MemoryOf {
  return async (ref) => {
    const { engine } = await home.engine();
    return engine && (await containerMemory(engine, ref));
  };
}
