/** A job that passes its deadline is stopped, really; one whose tools are missing says which. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { isIdle } from '../../cli/idle.ts';
import { openHome } from '../../lib/local/home.ts';
import { serve } from '../../lib/local/serve.ts';
import { status, type Status } from '../../lib/pipeline/status.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { MemoryLog } from '../doubles/memory/log.ts';
import { textTask } from '../doubles/world.ts';

jest.setTimeout(120_000);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-deadline-'));
});

afterAll(async () => await rm(folder, { recursive: true, force: true }));

/** Drops one file and works without an engine until all is over. */
async function work(name: string, task: Partial<TaskDefinition>): Promise<Status> {
  const dir = join(folder, name);
  await mkdir(join(dir, 'uploads/text'), { recursive: true });
  await writeFile(join(dir, 'uploads/text/a.txt'), 'hello');
  const tasks = new Map([['text', { ...textTask, ...task }]]);
  const home = await openHome({
    dir,
    tasks,
    log: new MemoryLog(),
    engine: { tried: ['none, as the test wants it'] },
  });
  await serve(home, { signal: new AbortController().signal, until: async () => await isIdle(home) });
  home.close();
  return await status(home.ctx);
}

test('past its deadline a job is stopped, fails with that reason, and is not tried again', async () => {
  const { failures, jobs } = await work('late', {
    host: { command: ['sh', '-c', 'echo still at it >&2; exec sleep 600'], tools: {} },
    deadlineSeconds: () => 1,
    expectedSeconds: () => 10,
  });
  expect(jobs).toMatchObject({ failed: 1, running: 0, waiting: 0 });
  expect(failures).toMatchObject([
    { cause: 'deadline', reason: 'Stopped at its deadline; its last words: still at it' },
  ]);
});

test('without an engine and without its tools a job fails, naming what to install', async () => {
  const { failures } = await work('bare', {
    host: { command: ['no-such-tool'], tools: { 'no-such-tool': 'some-package' } },
  });
  expect(failures).toMatchObject([{ state: 'failed', cause: 'refused' }]);
  expect(failures[0]!.reason).toMatch(/no-such-tool.*some-package/);
});
