#!/usr/bin/env node
/**
 * Makes docs/images/dashboard.png (and, with --all, others for a look at the page's other faces): the page as it shows a run
 * over the world's countries. The run's ledger is the pipeline's own work; its containers are scripted.
 *
 *     node scripts/dashboard-picture.ts [--out DIR] [--all]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser } from 'puppeteer-core';
import { startDashboard } from '../cli/dashboard/server.ts';
import { PROJECT } from '../cli/project.ts';
import { stagingKeys } from '../lib/pipeline/attempt-record.ts';
import { lastAttempt } from '../lib/pipeline/job.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import { status } from '../lib/pipeline/status.ts';
import type { Act } from '../tests/doubles/memory/task-runner.ts';
import { findChromium, startChromium } from '../tests/tools/chromium.ts';
import { countries, startWorldRun, type Country, type WorldRun } from '../tests/tools/world-run.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(PROJECT, 'docs/images') },
    all: { type: 'boolean', default: false },
  },
});

/** 0–1, the same for the same name: how long its container takes, and whether it fails. */
function chance(name: string, salt: string): number {
  let hash = 2_166_136_261;
  for (const character of salt + name) hash = Math.imul(hash ^ character.codePointAt(0)!, 16_777_619);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

const secondsOf = ({ name, bytes }: Country): number =>
  (90 + bytes / 1e6) * (0.75 + 0.8 * chance(name, 'seconds'));

function act(country: Country): Act {
  const seconds = secondsOf(country);
  const luck = chance(country.name, 'luck');
  const peakMemoryBytes = Math.round((0.4 + 0.5 * chance(country.name, 'memory')) * 4 * 1024 ** 3);
  if (luck < 0.025)
    return { seconds: seconds / 3, exitCode: 1, lastLine: 'The mirror closed the connection' };
  if (luck < 0.04) return { seconds: seconds / 2, outOfMemory: true };
  if (luck < 0.055)
    return {
      seconds: 40,
      exitCode: 65,
      lastLine: `The extract of ${country.name} ends in the middle of a block`,
    };
  return { seconds, peakMemoryBytes };
}

const STAGES = ['download', 'merge', 'land', 'write'];

/** What a container has said when so much of its work is done. */
function log({ name, bytes }: Country, share: number): string {
  const stage = STAGES[Math.floor(4 * share)] ?? 'write';
  const percent = Math.floor((400 * share) % 100);
  const amount = { bytes: Math.round((bytes * percent) / 100), totalBytes: bytes };
  const lines = [
    { level: 'info', event: 'Job:Start:Done', message: `making ${name}` },
    { level: 'info', event: 'Source:Open:Done', message: 'the mirror answers' },
    { event: 'Progress', stage, percent, ...(stage === 'download' ? amount : {}) },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

interface Picture {
  file: string;
  width: number;
  height: number;
  dark?: boolean;
  phone?: boolean;
  /** Clicked before the picture is taken. */
  click?: string;
  /** As someone sees it who lacks a kind of cone. */
  deficiency?: 'deuteranopia' | 'protanopia' | 'tritanopia' | 'achromatopsia';
  whole?: boolean;
}

const PICTURES: Picture[] = [
  { file: 'dashboard.png', width: 1360, height: 850 },
  { file: 'desktop-whole.png', width: 1440, height: 900, whole: true },
  { file: 'dark.png', width: 1440, height: 900, dark: true },
  { file: 'phone.png', width: 390, height: 1700, phone: true },
  { file: 'deuteranopia.png', width: 1440, height: 900, deficiency: 'deuteranopia' },
  { file: 'achromatopsia.png', width: 1440, height: 900, deficiency: 'achromatopsia' },
  { file: 'details.png', width: 1440, height: 900, click: '.failed-jobs .job-name' },
];

async function take(browser: Browser, url: string, folder: string, picture: Picture): Promise<void> {
  const { width, height, dark = false, phone = false, click, deficiency, file, whole = false } = picture;
  const page = await browser.newPage();
  await page.setViewport({
    width,
    height,
    deviceScaleFactor: phone ? 2 : 1,
    isMobile: phone,
    hasTouch: phone,
  });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
  if (deficiency) await page.emulateVisionDeficiency(deficiency);
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForSelector('#list tbody tr');
  await page.evaluate("document.querySelector('details.failure summary')?.click()");
  await page.waitForSelector('pre.log');
  if (click !== undefined) await page.click(click);
  // The coast comes by itself.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await page.screenshot({ path: join(folder, file), fullPage: whole });
  await page.close();
}

async function halfDone(dir: string): Promise<WorldRun> {
  const all = countries();
  const world = await startWorldRun({
    dir,
    run: 'world-20261124T060000',
    countries: all,
    maxTasks: 12,
    script: act,
    log: (country) => log(country, 0.2),
    startAt: Date.parse('2026-11-24T06:00:00Z'),
  });
  await world.pass(64 * 60);
  await tellProgress(world, all);
  return world;
}

async function tellProgress({ ctx, clock }: WorldRun, all: Country[]): Promise<void> {
  for (const { job: id } of (await status(ctx)).running) {
    const job = (await readJob(ctx, id))!;
    const country = all.find(({ name }) => name === job.name)!;
    const { attempt, claimedAt } = lastAttempt(job)!;
    const share = (clock.now() - claimedAt) / 1000 / secondsOf(country);
    await ctx.stores.staging.put(stagingKeys.log(id, attempt), log(country, share));
  }
}

const chromium = findChromium(process.env);
if (chromium === undefined)
  throw new Error('There is no Chromium here:  bash scripts/browser.sh  installs it');
const dir = await mkdtemp(join(tmpdir(), 'longshore-picture-'));
await mkdir(values.out, { recursive: true });
const world = await halfDone(dir);
const dashboard = await startDashboard({
  ctx: world.ctx,
  host: '127.0.0.1',
  port: 0,
  everyMs: 1000,
  liveLogs: true,
  memoryOf: async (ref) => Math.round((0.2 + 0.75 * chance(ref, 'now')) * 4 * 1024 ** 3),
  page: { backend: 'aws', place: 'the sample' },
});
const browser = await startChromium(chromium);
for (const picture of PICTURES.slice(0, values.all ? undefined : 1))
  await take(browser, dashboard.url, values.out, picture);
await browser.close();
await dashboard.close();
world.close();
await rm(dir, { recursive: true });
