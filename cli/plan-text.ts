/** A plan as a person reads it: what, how long, how much, and what to know. */
import type { Plan, PlannedJob } from '../lib/pipeline/plan.ts';
import { isToBeMade } from '../lib/rebuild/totals.ts';
import { formatBytes, formatSeconds, formatTable, formatUsd } from './format.ts';

/** Of five hundred areas the largest tell most. */
const LARGEST = 10;
const MOST_NAMED = 20;
/**
 * What a new account may run at once, over all Fargate tasks.
 * https://docs.aws.amazon.com/general/latest/gr/ecs-service.html#limits_fargate
 */
const DEFAULT_VCPU_QUOTA = 6;

const BASIS = {
  receipt: 'it took so long the last time',
  similar: 'by other results of the task',
  size: 'by the size of its input, a guess',
} as const;

export function planText(plan: Plan): string {
  return [
    headline(plan),
    summary(plan),
    sizesTable(plan),
    largestTable(plan),
    ...namedReasons('fresh, and not made again', plan, 'fresh'),
    ...namedReasons('cannot be made: the source is not there', plan, 'refused'),
    ...namedReasons('could not be looked at, and will be tried all the same', plan, 'unreachable'),
    (plan.notes ?? []).map((note) => `note: ${note}`).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function headline({ run, manifest, totals, jobs }: Plan): string {
  const refused = jobs.filter((job) => job.refused !== undefined).length;
  const rest = [
    totals.fresh > 0 ? `${totals.fresh} fresh` : '',
    refused > 0 ? `${refused} without a source` : '',
  ].filter((part) => part !== '');
  return `${run}: ${totals.jobs} of the ${jobs.length} jobs of ${manifest} are to be made${rest.length > 0 ? ` (${rest.join(', ')})` : ''}`;
}

function summary({ totals, maxTasks, maxCostUsd }: Plan): string {
  const held = totals.heldBy === undefined ? '' : `; fewer at times, by the limit ${totals.heldBy}`;
  const containers = maxTasks === 1 ? 'one container at a time' : `up to ${maxTasks} containers at once`;
  const rows = [
    ['input', formatBytes(totals.bytes)],
    ['time', `${formatSeconds(totals.makespanSeconds)}, with ${containers}${held}`],
    ['containers', `${formatSeconds(totals.seconds)} together`],
    [
      'cost',
      `${formatUsd(totals.costUsd.spot)} on Fargate Spot, ${formatUsd(totals.costUsd.onDemand)} on demand`,
    ],
    ...(maxCostUsd === undefined ? [] : [['budget', `${formatUsd(maxCostUsd)} at most`]]),
    ['vCPU', `${totals.peakVcpu} at once; ${quota(totals.peakVcpu)}`],
  ];
  return rows.map(([name = '', value]) => `${name.padEnd(12)}${value}`).join('\n');
}

const quota = (peak: number): string =>
  peak <= DEFAULT_VCPU_QUOTA
    ? `within the ${DEFAULT_VCPU_QUOTA} that every AWS account has`
    : `a new AWS account has ${DEFAULT_VCPU_QUOTA} (Service Quotas, AWS Fargate: ask for more vCPU, on demand and Spot)`;

/** Largest containers first. */
function sizesTable({ jobs }: Plan): string {
  const classes = Map.groupBy(jobs.filter(isToBeMade), (job) => sizeText(job));
  const rows = [...classes].map(([size, some]) => ({ size, some, memory: some[0]!.size.memoryMiB }));
  return rows.length === 0
    ? ''
    : formatTable(
        ['container', 'jobs', 'input', 'time', 'Spot', 'on demand'],
        rows
          .sort((a, b) => b.memory - a.memory)
          .map(({ size, some }) => [
            size,
            String(some.length),
            formatBytes(sum(some, ({ bytes }) => bytes)),
            formatSeconds(sum(some, ({ expectedSeconds }) => expectedSeconds)),
            formatUsd(sum(some, ({ costUsd }) => costUsd.spot)),
            formatUsd(sum(some, ({ costUsd }) => costUsd.onDemand)),
          ]),
        ['jobs', 'input', 'time', 'Spot', 'on demand'],
      );
}

const sizeText = ({ size }: PlannedJob): string => `${size.vcpu} vCPU, ${size.memoryMiB / 1024} GiB`;

function largestTable({ jobs }: Plan): string {
  const made = jobs.filter(isToBeMade).toSorted((a, b) => b.expectedSeconds - a.expectedSeconds);
  if (made.length === 0) return '';
  const title = made.length > LARGEST ? `the ${LARGEST} that take longest` : 'job';
  const rows = made
    .slice(0, LARGEST)
    .map((job) => [
      job.name,
      job.bytes === 0 ? '?' : formatBytes(job.bytes),
      formatSeconds(job.expectedSeconds),
      BASIS[job.basis],
    ]);
  return formatTable([title, 'input', 'time', 'how that is known'], rows, ['input', 'time']);
}

function namedReasons(title: string, { jobs }: Plan, reason: 'fresh' | 'refused' | 'unreachable'): string[] {
  const named = jobs.filter((job) => job[reason] !== undefined);
  if (named.length === 0) return [];
  const shown = named.slice(0, MOST_NAMED).map((job) => `  ${job.name}: ${job[reason]}`);
  const more = named.length > MOST_NAMED ? [`  and ${named.length - MOST_NAMED} more (--json has all)`] : [];
  return [[`${title} (${named.length}):`, ...shown, ...more].join('\n')];
}

const sum = (jobs: PlannedJob[], of: (job: PlannedJob) => number): number =>
  jobs.reduce((total, job) => total + of(job), 0);
