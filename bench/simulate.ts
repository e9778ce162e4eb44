#!/usr/bin/env node
/**
 * The pipeline in virtual time, at scale: makespan against its bound, against first come first served and the classic loop;
 * 10,000 areas at 500 containers; and launches at Fargate's quota.
 *
 *     node bench/simulate.ts [--seeds 5] [--save]
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSimulatedJobs } from '../cli/simulated-jobs.ts';
import { readTasks } from '../cli/tasks-folder.ts';
import { reportOf, type Report } from '../lib/simulate/report.ts';
import { KIND_CHANCES, USUAL_CHANCES, type Chances, type Scenario } from '../lib/simulate/scenario.ts';
import { simulate } from '../lib/simulate/simulate.ts';
import { classicLoop } from './classic-loop.ts';
import { measureLedger } from './ledger-status.ts';

const tasks = await readTasks();

interface Setting {
  seed: number;
  maxTasks: number;
  chances: Chances;
  spot?: boolean;
  order?: Scenario['order'];
  areas?: number;
  limits?: Record<string, number>;
}

async function scenario({ seed, maxTasks, areas, limits = {}, ...rest }: Setting): Promise<Scenario> {
  const { jobs } = await readSimulatedJobs('world', tasks, {
    seed,
    ...(areas === undefined ? {} : { areas }),
  });
  return {
    jobs,
    seed,
    settings: { maxTasks, limits, architecture: 'x86_64' },
    spot: rest.spot ?? false,
    quotaVcpu: Number.MAX_SAFE_INTEGER,
    chances: rest.chances,
    order: rest.order ?? 'largest-first',
  };
}

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
const over = ({ makespanSeconds, lowerBoundSeconds }: Report): number =>
  makespanSeconds / lowerBoundSeconds - 1;
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const range = (values: number[], text: (value: number) => string): string =>
  `${text(median(values))} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
const seconds = (value: number): string => `${Math.round(value).toLocaleString('en')} s`;

/** The world's leaves, 50 containers: each order and each kind of luck, medians over the seeds. */
async function makespans(seeds: number[], maxTasks: number): Promise<string> {
  const rows: string[][] = [];
  const add = (what: string, makespan: number[], bound: number[]): void => {
    const shares = makespan.map((value, at) => value / bound[at]! - 1);
    rows.push([what, range(makespan, seconds), range(shares, percent)]);
  };
  const pipeline = async (what: string, setting: Omit<Setting, 'seed' | 'maxTasks'>): Promise<Report[]> => {
    const reports: Report[] = [];
    for (const seed of seeds) {
      reports.push(reportOf(await simulate(tasks, await scenario({ seed, maxTasks, ...setting }))));
    }
    add(
      what,
      reports.map(({ makespanSeconds }) => makespanSeconds),
      reports.map(({ lowerBoundSeconds }) => lowerBoundSeconds),
    );
    return reports;
  };
  const kind = await pipeline('largest first', { chances: KIND_CHANCES });
  await pipeline('first come, first served', { chances: KIND_CHANCES, order: 'manifest' });
  const loops: number[] = [];
  for (const seed of seeds) loops.push(await classic(seed, maxTasks));
  add(
    'classic loop',
    loops,
    kind.map(({ lowerBoundSeconds }) => lowerBoundSeconds),
  );
  await pipeline('largest first, usual luck, on demand', { chances: USUAL_CHANCES });
  await pipeline('largest first, usual luck, Spot', { chances: USUAL_CHANCES, spot: true });
  return table(['', 'makespan', 'over the lower bound'], rows);
}

/** The same areas with the same luck; a machine pulls the image once, so a run is what comes after the pull. */
async function classic(seed: number, machines: number): Promise<number> {
  const world = await scenario({ seed, maxTasks: machines, chances: KIND_CHANCES });
  const { jobs } = await simulate(tasks, world);
  const byArea = new Map(
    jobs.map((job) => {
      const { startedAt = 0 } = job.attempts[0]!;
      return [String(job.params['area']), ((job.attempts[0]!.endedAt ?? 0) - startedAt) / 1000];
    }),
  );
  return classicLoop(
    world.jobs.map(({ params }) => byArea.get(String(params['area']))!),
    machines,
    seed,
  );
}

/** Launches while there was room: the first `count` of them, against a bucket of 100 and 20 a second. */
function filling(launches: number[], count: number): { took: number; floor: number } {
  return { took: (launches[count - 1]! - launches[0]!) / 1000, floor: (count - 100) / 20 };
}

async function scale(seed: number, maxTasks: number, areas: number): Promise<string> {
  const start = performance.now();
  const world = await scenario({ seed, maxTasks, areas, chances: USUAL_CHANCES, spot: true });
  const simulated = await simulate(tasks, world);
  const wall = (performance.now() - start) / 1000;
  const report = reportOf(simulated);
  const { took, floor } = filling(simulated.stack.fargate.launches, Math.min(maxTasks, report.launches));
  const rows = [
    ['published', `${report.states.published ?? 0} of ${report.jobs}`],
    [
      'makespan',
      `${seconds(report.makespanSeconds)}, ${percent(over(report))} over the lower bound (${report.boundBy})`,
    ],
    ['most containers at once', String(report.peakTasks)],
    [
      'first launches, until all slots were taken',
      `${took.toFixed(1)} s for ${Math.min(maxTasks, report.launches)}; the quota alone takes ${floor.toFixed(1)} s`,
    ],
    ['launches put off', told(report.refusals)],
    ['attempts that did not succeed', told(report.retries)],
    ...Object.entries(report.callsPerJobBy.service).map(([service, calls]) => [
      `${service} calls for a job`,
      calls.toFixed(1),
    ]),
    ['lost writes of the ledger for a job', report.conflictsPerJob.toFixed(2)],
    ['control plane for 1,000 jobs', `$${report.controlPlaneUsdPer1000Jobs.toFixed(3)}`],
    ['longest call of a function', longest(report)],
    ['simulated in', `${wall.toFixed(0)} s of this machine`],
  ];
  return table(['', ''], rows);
}

const told = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ') || 'none';
const longest = ({ functions }: Report): string =>
  Object.entries(functions)
    .map(([name, { longestSeconds }]) => `${name} ${longestSeconds.toFixed(1)} s`)
    .join(', ');

async function ledger(seed: number, areas: number): Promise<string> {
  const world = await scenario({ seed, maxTasks: 500, areas, chances: USUAL_CHANCES, spot: true });
  const { stack } = await simulate(tasks, world, ({ log }) => log.ended >= areas / 2);
  const { records, seconds: took, found, onS3 } = await measureLedger(stack);
  const { waiting, running, published } = found.jobs;
  return (
    `\`status\` over a folder ledger of ${records} records (${waiting} jobs waiting, ${running} running, ${published} published): ` +
    `${range(took, (value) => `${value.toFixed(2)} s`)} of wall time. Asked of S3: ${onS3.requests} requests, ${onS3.seconds.toFixed(1)} s.`
  );
}

const table = (header: string[], rows: string[][]): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '5' }, save: { type: 'boolean', default: false } },
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, at) => at + 1);
const [cpu] = cpus();
const text = `# The pipeline in virtual time

Written by \`bench/simulate.ts\` on ${new Date().toISOString().slice(0, 10)} (${cpus().length} × ${cpu?.model ?? 'unknown'}). What is modelled: ../../docs/simulate.md.

## 540 areas, 50 containers at once

Median (least to most) of ${seeds.length} seeds.

${await makespans(seeds, 50)}

## 10,000 areas, 500 containers at once

${await scale(1, 500, 10_000)}

${await ledger(1, 10_000)}

## 10,000 areas, 3,000 containers at once

${await scale(1, 3000, 10_000)}
`;
if (values.save) await writeFile(join(import.meta.dirname, 'results/simulate.md'), text);
console.log(text);
