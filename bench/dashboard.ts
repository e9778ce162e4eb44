#!/usr/bin/env node
/**
 * What the dashboard costs at 10,000 jobs: a look at the ledger (time, calls to the store), and the page in a browser (first
 * sight, drawing the map, sorting the list).
 *
 *     node bench/dashboard.ts [--jobs 10000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import type { Page } from 'puppeteer-core';
import { RunWatch } from '../cli/dashboard/run-watch.ts';
import { startDashboard } from '../cli/dashboard/server.ts';
import { FolderRecords } from '../lib/local/folder-records.ts';
import { openHome } from '../lib/local/home.ts';
import type { Admission } from '../lib/pipeline/admission.ts';
import { mapLimit } from '../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Job, TerminalState } from '../lib/pipeline/job.ts';
import { keys } from '../lib/pipeline/keys.ts';
import { jobId } from '../lib/pipeline/names.ts';
import { planKeys, type Plan } from '../lib/pipeline/plan.ts';
import { defineTask, type TaskDefinition } from '../lib/tasks/define-task.ts';
import { MemoryLog } from '../tests/doubles/memory/log.ts';
import { findChromium, startChromium } from '../tests/tools/chromium.ts';

const RUN = 'world-20261124T060000';
const SIZE = { vcpu: 1, memoryMiB: 2048, diskGiB: 20 };
const PRICE = 0.0001;
const { values } = parseArgs({ options: { jobs: { type: 'string', default: '10000' } } });
const JOBS = Number(values.jobs);
const RUNNING = 100;
/** So many of a hundred have ended. */
const ENDED = 60;
const now = Date.now();

const tile: TaskDefinition = defineTask({
  name: 'tile',
  description: 'A tile of the world',
  image: 'longshore/tile',
  command: ['/bin/true'],
  accepts: [],
  params: z.object({ area: z.string() }),
  publishAs: ({ area }) => area,
  size: () => SIZE,
  ceiling: SIZE,
  deadlineSeconds: () => 600,
  expectedSeconds: () => 120,
  attempts: 1,
  spot: true,
  network: false,
  outputs: [],
  metadata: [],
});

// --- A ledger in the middle of its run ------------------------------------------------------------------------------

const nameOf = (at: number): string => `tile/${String(at).padStart(5, '0')}`;
const stateOf = (at: number): 'waiting' | 'running' | TerminalState => {
  if (at < RUNNING) return 'running';
  if (at % 100 >= ENDED) return 'waiting';
  return at % 50 === 0 ? 'failed' : 'published';
};

function jobOf(at: number, state = stateOf(at)): Job {
  const name = nameOf(at);
  const started = state !== 'waiting';
  const ended = started && state !== 'running';
  const params = { area: name };
  return {
    id: jobId('tile', name, [RUN, JSON.stringify(Object.entries(params)), '', '']),
    run: RUN,
    task: 'tile',
    name,
    state,
    params,
    inputs: [],
    bytes: 1e6,
    priority: 5,
    sequence: '0',
    size: SIZE,
    spot: true,
    limits: [],
    acceptedAt: now - 3_600_000,
    updatedAt: now,
    ...(state === 'running' ? { phase: 'processing' as const } : {}),
    ...(ended ? { endedAt: now - at, receipt: 'file:///receipt.json' } : {}),
    ...(state === 'failed'
      ? { cause: 'failed' as const, reason: `Exit code 1: tile ${at} has no data` }
      : {}),
    attempts: started
      ? [
          {
            attempt: 1,
            size: SIZE,
            spot: true,
            claim: `claim-${at}`,
            claimedAt: now - 300_000,
            startedAt: now - 299_000,
            ...(ended
              ? { endedAt: now - at, seconds: 100 + (at % 90), costUsd: PRICE, peakMemoryBytes: 4e8 }
              : { ref: `task-${at}` }),
          },
        ]
      : [],
  };
}

async function writeLedger(records: FolderRecords): Promise<void> {
  const all = Array.from({ length: JOBS }, (_, at) => at);
  await mapLimit(all, 64, async (at) => {
    const job = jobOf(at);
    await records.create(keys.job(job.id), job);
    await records.create(keys.accepted(job), {});
    if (job.state === 'waiting') await records.create(keys.waiting(job), {});
    else if (job.state !== 'running') await records.create(keys.ended(job, job.state), {});
  });
  await records.create(keys.admission, admissionOf(all.filter((at) => stateOf(at) === 'running')));
}

const admissionOf = (running: number[]): Admission => ({
  entries: running.map((at) => ({
    claim: `claim-${at}`,
    launch: `launch-${at}`,
    run: RUN,
    task: 'tile',
    members: [{ job: jobOf(at).id, name: nameOf(at), attempt: 1, expectedUsd: PRICE }],
    limits: [],
    memoryMiB: SIZE.memoryMiB,
    claimedAt: now,
  })),
  tokens: 0,
  tokensAt: now,
});

/** Cells of the world, each an uneven ring of 24 points. */
function ringOf(at: number): number[][] {
  const columns = Math.ceil(Math.sqrt(JOBS * 2.4));
  const side = 360 / columns;
  const [west, south] = [-180 + side * (at % columns), 75 - 0.62 * side * (1 + Math.floor(at / columns))];
  const ring = Array.from({ length: 24 }, (_, point) => {
    const angle = (2 * Math.PI * point) / 24;
    const reach = 0.38 + 0.1 * Math.abs(Math.sin(at * 7 + point * 3));
    return [
      west + side * (0.5 + reach * Math.cos(angle)),
      south + 0.62 * side * (0.5 + reach * Math.sin(angle)),
    ];
  });
  return [...ring, ring[0]!];
}

async function writePlan(ctx: PipelineContext): Promise<void> {
  const all = Array.from({ length: JOBS }, (_, at) => at);
  const costUsd = { onDemand: PRICE * 3, spot: PRICE };
  const plan: Plan = {
    planVersion: 1,
    run: RUN,
    manifest: 'tiles',
    createdAt: new Date(now).toISOString(),
    maxTasks: RUNNING,
    jobs: all.map((at) => ({
      task: 'tile',
      params: { area: nameOf(at) },
      priority: 5,
      name: nameOf(at),
      bytes: 1e6,
      size: SIZE,
      spot: true,
      expectedSeconds: 120,
      basis: 'size',
      costUsd,
      limits: [],
    })),
    totals: {
      jobs: JOBS,
      fresh: 0,
      bytes: JOBS * 1e6,
      seconds: JOBS * 120,
      makespanSeconds: (JOBS * 120) / RUNNING,
      costUsd: { onDemand: JOBS * costUsd.onDemand, spot: JOBS * costUsd.spot },
      peakVcpu: RUNNING,
    },
  };
  const features = all.map((at) => ({
    type: 'Feature',
    properties: { task: 'tile', name: nameOf(at) },
    geometry: { type: 'Polygon', coordinates: [ringOf(at)] },
  }));
  await ctx.stores.output.put(planKeys.plan(RUN), JSON.stringify(plan));
  await ctx.stores.output.put(planKeys.areas(RUN), JSON.stringify({ type: 'FeatureCollection', features }));
}

// --- Looks ----------------------------------------------------------------------------------------------------------

interface Calls {
  read: number;
  listed: number;
  /** As S3 has them: pages of 1,000 keys. */
  pages: number;
}

/** Counts the calls to the ledger. */
function counted(records: FolderRecords, calls: Calls): PipelineContext['records'] {
  return {
    uri: (key) => records.uri(key),
    read: async <T>(key: string) => {
      calls.read += 1;
      return await records.read<T>(key);
    },
    create: async (key, value) => await records.create(key, value),
    replace: async (key, value, version) => await records.replace(key, value, version),
    delete: async (key) => await records.delete(key),
    async *list(prefix, options) {
      let found = 0;
      for await (const key of records.list(prefix, options)) {
        found += 1;
        yield key;
      }
      calls.listed += found;
      calls.pages += Math.max(1, Math.ceil(found / 1000));
    },
  };
}

async function timed(calls: Calls, what: string, look: () => Promise<void>): Promise<void> {
  Object.assign(calls, { read: 0, listed: 0, pages: 0 });
  const cpu = process.cpuUsage();
  const start = performance.now();
  await look();
  const ms = Math.round(performance.now() - start);
  const { user, system } = process.cpuUsage(cpu);
  const { read, listed, pages } = calls;
  const cpuMs = Math.round((user + system) / 1000);
  console.log(
    `${what}: ${ms} ms (${cpuMs} ms CPU), ${read} records read, ${listed} keys in ${pages} pages of 1,000`,
  );
}

async function measureLooks(ctx: PipelineContext, records: FolderRecords, calls: Calls): Promise<void> {
  const watch = new RunWatch(ctx, RUN, { liveLogs: false });
  await timed(calls, 'first look, up to the first sight', async () => {
    await watch.look();
    watch.view();
  });
  await timed(calls, 'and the rest of its records', async () => {
    while (watch.unread > 0) await watch.readMore();
    watch.changes();
  });
  for (let time = 0; time < 5; time++) {
    await timed(calls, 'a look, nothing changed', async () => {
      await watch.look();
      watch.changes();
    });
  }
  await endRunning(records);
  await timed(calls, `a look, ${RUNNING} jobs published meanwhile`, async () => {
    await watch.look();
    console.log(`  ${JSON.stringify(watch.changes()).length} bytes of changes`);
  });
  console.log(`whole view: ${(JSON.stringify(watch.view()).length / 1e6).toFixed(1)} MB`);
  console.log(`process: ${Math.round(process.memoryUsage().rss / 1e6)} MB`);
}

/** What ran is published, and nothing takes its place. */
async function endRunning(records: FolderRecords): Promise<void> {
  for (let at = 0; at < RUNNING; at++) {
    const job = jobOf(at, 'published');
    const { version } = (await records.read(keys.job(job.id)))!;
    await records.replace(keys.job(job.id), job, version);
    await records.create(keys.ended(job, 'published'), {});
  }
  const { version } = (await records.read(keys.admission))!;
  await records.replace(keys.admission, admissionOf([]), version);
}

// --- The page -------------------------------------------------------------------------------------------------------

async function measurePage(ctx: PipelineContext, executable: string): Promise<void> {
  const dashboard = await startDashboard({
    ctx,
    host: '127.0.0.1',
    port: 0,
    everyMs: 1000,
    liveLogs: false,
    page: { backend: 'local', place: 'bench' },
  });
  const browser = await startChromium(executable);
  const page = await browser.newPage();
  await page.setViewport({ width: 1440, height: 900 });
  const start = performance.now();
  await page.goto(dashboard.url);
  await page.waitForSelector('#list tbody tr');
  console.log(`page, from its address to the list: ${Math.round(performance.now() - start)} ms`);
  await page.waitForFunction(`performance.getEntriesByName('longshore:map').length > 0`);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  await page.evaluate('performance.clearMeasures()');
  for (let step = 0; step < 20; step++) {
    await page.click(`.map-tools button:nth-child(${step % 4 < 2 ? 1 : 2})`);
    await page.evaluate(
      'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
    );
  }
  const drawn = (await page.evaluate(
    `performance.getEntriesByName('longshore:map').map(({ duration }) => duration)`,
  )) as number[];
  console.log(
    `map drawn ${drawn.length} times: median ${median(drawn).toFixed(1)} ms, longest ${Math.max(...drawn).toFixed(1)} ms`,
  );
  console.log(
    `list sorted: ${await clickTime(page, 'th.column-took button')} ms; searched: ${await searchTime(page)} ms`,
  );
  const { JSHeapUsedSize = 0 } = await page.metrics();
  console.log(`JavaScript heap of the page: ${Math.round(JSHeapUsedSize / 1e6)} MB`);
  await browser.close();
  await dashboard.close();
}

/** Until two frames later: the work, and its drawing. */
const timedInPage = async (page: Page, act: string): Promise<number> =>
  Math.round(
    (await page.evaluate(`(async () => {
      const start = performance.now();
      ${act};
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return performance.now() - start;
    })()`)) as number,
  );

const clickTime = async (page: Page, selector: string): Promise<number> =>
  await timedInPage(page, `document.querySelector('${selector}').click()`);

const searchTime = async (page: Page): Promise<number> =>
  await timedInPage(
    page,
    `const input = document.querySelector('#list input');
     input.value = '0123';
     input.dispatchEvent(new Event('input', { bubbles: true }))`,
  );

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

const dir = await mkdtemp(join(tmpdir(), 'longshore-dashboard-'));
const home = await openHome({
  dir,
  tasks: new Map([['tile', tile]]),
  log: new MemoryLog(),
  engine: { tried: [] },
  settings: {},
});
const records = new FolderRecords(join(dir, 'ledger'));
await writeLedger(records);
await writePlan(home.ctx);
const calls: Calls = { read: 0, listed: 0, pages: 0 };
const ctx = { ...home.ctx, records: counted(records, calls) };
await measureLooks(ctx, records, calls);
const chromium = findChromium(process.env);
if (chromium === undefined) console.log('There is no Chromium here: the page is not measured');
else await measurePage(ctx, chromium);
home.close();
await rm(dir, { recursive: true });
