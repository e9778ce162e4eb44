/**
 * What packing saves on one machine: so many tiny jobs, dropped as files, alone and packed.
 *
 *     npx longshore-node bench/packs.ts JOBS PACK…
 *
 * PACK is how many jobs may share a container: 1 50. Prints a line for each: launches, seconds from the first drop to the last
 * receipt, and seconds per job.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '../lib/local/home.ts';
import { serve } from '../lib/local/serve.ts';
import { lastAttempt } from '../lib/pipeline/job.ts';
import { keys } from '../lib/pipeline/keys.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import { status } from '../lib/pipeline/status.ts';
import { MemoryLog } from '../tests/doubles/memory/log.ts';
import { shellTask } from '../tests/contract/support/shell-task.ts';

const [jobs = '100', ...packs] = process.argv.slice(2);
const count = Number(jobs);

async function measure(pack: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-packs-'));
  const task = shellTask('copy', 'cp "$1"/* "$2"/', {
    pack: { jobs: pack, bytes: 1e9, seconds: 1e6, lingerSeconds: pack > 1 ? 3 : 0 },
  });
  const home = await openHome({
    dir: join(folder, 'home'),
    tasks: new Map([['copy', task]]),
    log: new MemoryLog(),
    settings: { maxTasks: 2, quietSeconds: 0.1 },
  });
  await mkdir(join(home.dir, 'uploads/copy'), { recursive: true });
  for (let at = 0; at < count; at += 1)
    await writeFile(join(home.dir, 'uploads/copy', `${at}.txt`), `file ${at}`);
  const begun = Date.now();
  const used = process.cpuUsage();
  await serve(home, {
    signal: new AbortController().signal,
    until: async () => (await status(home.ctx)).jobs.published === count,
  });
  const seconds = (Date.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(used);
  const refs = new Set<string | undefined>();
  let turns = 0;
  for await (const key of home.ctx.records.list(keys.jobs)) {
    const job = await readJob(home.ctx, key.slice(keys.jobs.length));
    const attempt = job && lastAttempt(job);
    refs.add(attempt?.ref);
    turns += (attempt?.endedAt ?? 0) - (attempt?.startedAt ?? 0);
  }
  home.close();
  await rm(folder, { recursive: true, force: true });
  return [
    `${count} jobs, ${pack} in a container: ${refs.size} launches, ${seconds.toFixed(1)} s`,
    `${((seconds / count) * 1000).toFixed(0)} ms a job, of which ${(turns / count).toFixed(0)} ms in its command`,
    `${((user + system) / 1e6).toFixed(1)} s CPU of this process`,
  ].join('; ');
}

for (const pack of packs) console.log(await measure(Number(pack)));
