/** A home whose jobs are half a second of shell, one at a time: `beside.ts HOME` serves all of it until it is killed. */
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { openHome, type Home } from '../../../lib/local/home.ts';
import { serve } from '../../../lib/local/serve.ts';
import { quietLog } from '../../contract/support/quiet-log.ts';
import { shellTask } from '../../contract/support/shell-task.ts';

/** Each start leaves a line in the cache: the parameter of jobs that have it, else `dropped`. */
const script = 'echo "${NUMBER:-dropped}" >>"$LONGSHORE_CACHE/starts"; sleep 0.5; echo made >"$2/out.txt"';
const task = shellTask('text', script, {
  params: z.object({ number: z.string().optional().describe('Which one') }) as never,
  publishAs: ({ number }) => (typeof number === 'string' ? number : ''),
});

export const openBesideHome = async (dir: string): Promise<Home> =>
  await openHome({
    dir,
    tasks: new Map([[task.name, task]]),
    log: quietLog(),
    engine: { tried: ['not in this test'] },
    settings: { maxTasks: 1, quietSeconds: 0.1 },
  });

if (process.argv[1] === fileURLToPath(import.meta.url))
  await serve(await openBesideHome(process.argv[2]!), { signal: new AbortController().signal });
