/** A simulated run as a person reads it. */
import type { Bounds } from '../lib/simulate/bounds.ts';
import type { Report } from '../lib/simulate/report.ts';
import type { Scenario } from '../lib/simulate/scenario.ts';
import { formatSeconds, formatTable, formatUsd } from './format.ts';
import type { SimulatedJobs } from './simulated-jobs.ts';

const BOUND: Record<keyof Bounds, (scenario: Scenario) => string> = {
  tasks: ({ settings }) => `all container time, ${settings.maxTasks} at once`,
  longest: () => 'the longest job',
  launches: () => 'Fargate’s 20 launches a second',
  vcpu: ({ quotaVcpu }) => `all container time, ${quotaVcpu} vCPU at once`,
  limits: ({ settings }) =>
    `shares of the mirror, held until fetched, ${Object.entries(settings.limits)
      .map(([name, share]) => `${name}=${share}`)
      .join(', ')}`,
};

/** serverless.yml lets so many containers download from Geofabrik at once: a volunteers' mirror. */
const POLITE = 4;

export function simulationText(read: SimulatedJobs, scenario: Scenario, report: Report): string {
  return [
    ...heading(read, scenario),
    '',
    formatTable(['', 'simulated', ''], rows(scenario, report), ['simulated']),
    ...notes(read, scenario, report),
  ].join('\n');
}

function heading(
  { name, jobs, sizes }: SimulatedJobs,
  { settings, spot, seed, chances }: Scenario,
): string[] {
  const drawn = sizes.drawn > 0 ? `, ${sizes.drawn} of them drawn from it by chance` : '';
  const luck = spot ? `first attempts on Spot, ${chances.spotLossesPerHour} losses an hour` : 'on demand';
  return [
    `${name}: ${jobs.length} jobs, at most ${settings.maxTasks} containers at once, ${luck}, seed ${seed}`,
    `Sizes: approximate, from ${sizes.table}${drawn}; nothing was measured`,
  ];
}

function rows(scenario: Scenario, report: Report): string[][] {
  const { makespanSeconds, lowerBoundSeconds, callsPerJobBy } = report;
  const over = (makespanSeconds / lowerBoundSeconds - 1) * 100;
  const calls = Object.entries(callsPerJobBy.service).map(
    ([service, count]) => `${service} ${count.toFixed(1)}`,
  );
  return [
    ['published', String(report.states.published ?? 0), otherStates(report)],
    ['makespan', formatSeconds(makespanSeconds), `${over.toFixed(1)} % over the lower bound`],
    ['lower bound', formatSeconds(lowerBoundSeconds), BOUND[report.boundBy](scenario)],
    ['container time', formatSeconds(report.containerSeconds), `${report.launches} launches`],
    [
      'cost',
      formatUsd(report.costUsd),
      `${formatUsd(report.costOnDemandUsd)} all on demand, ${formatUsd(report.costSpotUsd)} all on Spot at its best`,
    ],
    ['peak', `${report.peakVcpu} vCPU`, `${report.peakTasks} containers; the account’s quota must allow it`],
    ['tried again', String(sum(report.retries)), told(report.retries)],
    ['launches put off', String(sum(report.refusals)), told(report.refusals)],
    ['calls per job', report.callsPerJob.toFixed(1), calls.join(', ')],
    [
      'control plane',
      formatUsd(report.controlPlaneUsdPer1000Jobs),
      'per 1,000 jobs: requests and Lambda time',
    ],
  ];
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, one) => total + one, 0);
const told = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');

function otherStates({ states }: Report): string {
  const { published: _, ...others } = states;
  return told(others);
}

function notes(
  { mirrors }: SimulatedJobs,
  { settings }: Scenario,
  { shareSeconds, lowerBoundSeconds, errors }: Report,
): string[] {
  const free = mirrors.filter((mirror) => settings.limits[mirror] === undefined);
  const polite = Math.max(0, ...free.map((mirror) => shareSeconds[mirror] ?? 0)) / POLITE;
  const mirrorNote =
    free.length === 0 || polite <= lowerBoundSeconds
      ? []
      : [
          '',
          `No share of ${free.join(', ')} binds here. With the stack’s own of ${POLITE} downloads at once (--mirror-limit ${POLITE})`,
          `it takes ${formatSeconds(polite)} at least.`,
        ];
  return [...mirrorNote, ...(errors.length > 0 ? ['', 'Errors that functions logged:', ...errors] : [])];
}
