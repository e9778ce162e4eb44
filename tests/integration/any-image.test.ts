/** Any image will do: no SDK, no base image, no user of ours. Through the whole pipeline, in real containers. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { findEngine } from '../../lib/local/engine.ts';
import { openHome } from '../../lib/local/home.ts';
import { serve } from '../../lib/local/serve.ts';
import { status } from '../../lib/pipeline/status.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { quietLog } from '../contract/support/quiet-log.ts';
import { SHELL_IMAGE, shellTask } from '../contract/support/shell-task.ts';

jest.setTimeout(120_000);

const engine = await findEngine();
const OWN_USER = 'longshore-test/own-user';

let folder: string;

beforeAll(async () => {
  if (!engine.engine) throw new Error(`No container engine: ${engine.tried.join('; ')}. Run: npm run setup`);
  folder = await mkdtemp(join(tmpdir(), 'longshore-any-image-'));
  // An image that is made to run as nobody, and has a command of its own.
  await execa(engine.engine.kind, ['build', `--tag=${OWN_USER}`, '-'], {
    input: `FROM ${SHELL_IMAGE}\nUSER 65534:65534\nENTRYPOINT ["/bin/false"]\n`,
  });
});

afterAll(async () => {
  await execa(engine.engine!.kind, ['rmi', '--force', OWN_USER], { reject: false });
  await rm(folder, { recursive: true, force: true });
});

/** Upper case, and what the container could do besides. */
const SCRIPT = `tr a-z A-Z <"$1/in.txt" >"$2/out.txt"
{ touch /here 2>/dev/null && echo "root is writable"; touch "$1/more" 2>/dev/null && echo "input is writable"
  grep -q "^CapEff:.0*$" /proc/self/status || echo "has capabilities"; touch "$TMPDIR/scratch" || echo "no scratch"; } >"$2/could.txt"`;

async function run(task: TaskDefinition): Promise<string> {
  const home = await openHome({
    dir: join(folder, task.name),
    tasks: new Map([[task.name, task]]),
    log: quietLog(),
    engine,
    settings: { maxTasks: 1, quietSeconds: 0.1 },
  });
  try {
    await writeFile(join(home.dir, 'uploads', task.name, 'in.txt'), 'hello');
    await serve(home, {
      signal: AbortSignal.timeout(60_000),
      until: async () => {
        const { jobs } = await status(home.ctx);
        return jobs.published + jobs.failed + jobs.quarantined > 0;
      },
    });
    expect((await status(home.ctx)).failures).toEqual([]);
    return join(home.dir, 'output', task.name, 'in');
  } finally {
    home.close();
  }
}

test.each([
  ['a plain base image and a line of shell', 'plain', {}],
  ['an image made for a user of its own', 'own-user', { image: OWN_USER }],
])('%s: no rights, a root that is read only, and its output is published', async (_, name, more) => {
  const output = await run(shellTask(name, SCRIPT, more));
  expect(await readFile(join(output, 'out.txt'), 'utf8')).toBe('HELLO');
  expect(await readFile(join(output, 'could.txt'), 'utf8')).toBe('');
});
