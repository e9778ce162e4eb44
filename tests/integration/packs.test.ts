/** A pack in a real container, from dropped files to receipts: each job ends for its own reason, and none is hurt by another. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEngine } from '../../lib/local/engine.ts';
import { openHome, type Home } from '../../lib/local/home.ts';
import { serve } from '../../lib/local/serve.ts';
import { handleMessage } from '../../lib/pipeline/handle.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { cost } from '../../lib/tasks/prices.ts';
import { quietLog } from '../contract/support/quiet-log.ts';
import { shellTask } from '../contract/support/shell-task.ts';

const { engine } = await findEngine();
const testInEngine = engine ? test : test.skip;

/** Dropped files are what their job does, in the order of their turns: the largest first. */
const FILES: Record<string, string> = {
  good: 'echo done >out.txt; # the first one, and nobody knows better than its comment how large it is',
  bad: 'echo "no header" >&2; exit 65 # larger than what comes after it, by these words',
  crash: 'echo "it broke" >&2; exit 2 # and by fewer words larger than the next',
  hungry: 'tail /dev/zero # takes all the memory that there is',
  deaf: 'trap "" TERM; sleep 600 & wait; # never ends',
  gone: 'echo "nobody reads this"',
  last: 'echo done >out.txt',
};

const task = shellTask('does', 'cd "$2" && sh "$1"/*', {
  pack: { jobs: 50, bytes: 1e6, seconds: 1000 },
  deadlineSeconds: ({ bytes }) => (bytes === FILES['deaf']!.length ? 2 : 120),
  attempts: 2,
});

describe('a pack of mixed jobs in a container', () => {
  let folder: string;
  let home: Home;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-packs-'));
    home = await openHome({
      dir: join(folder, 'home'),
      tasks: new Map([['does', task]]),
      log: quietLog(),
      settings: { maxTasks: 2 },
    });
  });
  afterAll(async () => {
    home.close();
    await rm(folder, { recursive: true, force: true });
  });

  const allJobs = async (): Promise<Job[]> => {
    const found: Job[] = [];
    for await (const key of home.ctx.records.list(keys.jobs)) {
      const job = await readJob(home.ctx, key.slice(keys.jobs.length));
      if (job) found.push(job);
    }
    return found;
  };

  testInEngine(
    'each ends for its own reason, the others unhurt, one receipt each',
    async () => {
      for (const [name, content] of Object.entries(FILES)) {
        const key = `does/${name}.txt`;
        const { bytes, etag } = await home.uploads.put(key, content);
        await handleMessage(home.ctx, { kind: 'upload', key, bytes, etag, sequence: '0001' });
      }
      await home.uploads.delete('does/gone.txt');
      const [{ run }] = (await allJobs()) as [Job];
      await serve(home, {
        run, // or the watcher would tell of the files once more
        signal: new AbortController().signal,
        until: async () =>
          (await allJobs()).every(({ state, receipt }) => isTerminal(state) && receipt !== undefined),
      });
      const jobs = new Map((await allJobs()).map((job) => [job.name, job]));
      const causes = (name: string) => jobs.get(name)?.attempts.map(({ cause }) => cause);
      expect(Object.fromEntries([...jobs.values()].map(({ name, state }) => [name, state]))).toEqual({
        good: 'published',
        bad: 'quarantined',
        crash: 'failed',
        hungry: 'failed',
        deaf: 'failed',
        gone: 'cancelled',
        last: 'published',
      });
      expect(causes('good')).toEqual(['succeeded']);
      expect(causes('bad')).toEqual(['bad-input']);
      expect(causes('crash')).toEqual(['failed', 'failed']);
      expect(causes('hungry')).toEqual(['out-of-memory', 'out-of-memory']);
      expect(causes('deaf')).toEqual(['deadline']);
      expect(causes('gone')).toEqual(['input-changed']);
      expect(causes('last')).toEqual(['succeeded']);
      expect(jobs.get('bad')?.reason).toBe('no header');
      expect(await readFile(join(home.dir, 'output/does/last/out.txt'), 'utf8')).toBe('done\n');

      // One container for all first attempts; what failed by itself went alone.
      const first = [...jobs.values()].map(({ attempts }) => attempts[0]!);
      const refs = new Set(first.map(({ ref }) => ref));
      expect(refs.size).toBe(1);
      expect(first.every(({ launch }) => launch?.jobs === 7)).toBe(true);
      const retries = [...jobs.values()].flatMap(({ attempts }) => attempts.slice(1));
      expect(new Set(retries.map(({ ref }) => ref)).size).toBe(2);

      const seconds = first.reduce((sum, one) => sum + (one.seconds ?? 0), 0);
      const { size, spot } = first[0]!;
      expect(first.reduce((sum, one) => sum + (one.costUsd ?? 0), 0)).toBeCloseTo(
        cost({ size, spot, seconds, architecture: home.ctx.settings.architecture }),
        9,
      );
      for (const { receipt = '' } of jobs.values())
        expect(JSON.parse(await readFile(fileURLToPath(receipt), 'utf8')) as Receipt).toMatchObject({
          receiptVersion: 1,
        });
      expect(await readdir(join(home.dir, 'quarantine/does'))).toHaveLength(5);
    },
    180_000,
  );
});
