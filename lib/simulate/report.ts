/** What a simulated run took, cost and asked of AWS. */
import type { Job, JobState } from '../pipeline/job.ts';
import { cost } from '../tasks/prices.ts';
import { boundsOf, shareSeconds, tightest, type Bounds } from './bounds.ts';
import type { Invocations } from './lambda.ts';
import { IDLE_POLLS_PER_SECOND, LAMBDA, REQUESTS, type Request } from './requests.ts';
import type { Scenario } from './scenario.ts';
import type { Simulated } from './simulate.ts';
import type { FunctionName } from './stack.ts';

export interface Report {
  jobs: number;
  states: Partial<Record<JobState, number>>;
  /** From the start of the rebuild function to the last job's end. */
  makespanSeconds: number;
  /** The largest of `bounds`, and which that is. */
  lowerBoundSeconds: number;
  boundBy: keyof Bounds;
  bounds: Bounds;
  /** For how long shares of each named limit were held, added up. */
  shareSeconds: Record<string, number>;
  /** Of all containers, from image pull to stop. */
  containerSeconds: number;
  /** US dollars: as it ran; and the same seconds all on demand, all on Spot. */
  costUsd: number;
  costOnDemandUsd: number;
  costSpotUsd: number;
  peakTasks: number;
  peakVcpu: number;
  launches: number;
  /** RunTask's refusals by kind: each a wait. */
  refusals: Record<string, number>;
  /** Attempts that did not succeed, by cause. */
  retries: Record<string, number>;
  /** Requests to S3, SQS, ECS and Lambda, by all functions and containers. */
  callsPerJob: number;
  /** The same by service and by request. */
  callsPerJobBy: { service: Record<string, number>; request: Partial<Record<Request, number>> };
  /** US dollars: requests, and the time of the functions. Not the containers, nor logs and storage. */
  controlPlaneUsdPer1000Jobs: number;
  /** Writes of the ledger that were made again because somebody else was faster, for each job. */
  conflictsPerJob: number;
  functions: Record<FunctionName, Invocations>;
  /** Errors that a function logged, the first few. */
  errors: string[];
}

export function reportOf({ scenario, stack, startedAt, jobs }: Simulated): Report {
  const { log, fargate, meter, functions, conflicts } = stack;
  const count = Math.max(1, jobs.length);
  const makespanSeconds = (log.lastEndAt - startedAt) / 1000;
  const launched = [...fargate.tasks.values()];
  const bounds = boundsOf(launched, scenario);
  const { by, seconds } = tightest(bounds);
  const requests = sumByRequest(meter.counts());
  const invocations = Object.fromEntries(
    Object.entries(functions).map(([name, { invocations: one }]) => [name, one]),
  ) as Record<FunctionName, Invocations>;
  const usd = requestsUsd(requests, makespanSeconds) + functionsUsd(Object.values(invocations));
  return {
    jobs: jobs.length,
    states: tally(jobs.map(({ state }) => state)),
    makespanSeconds,
    lowerBoundSeconds: seconds,
    boundBy: by,
    bounds,
    shareSeconds: Object.fromEntries(shareSeconds(launched)),
    ...costsOf(jobs, scenario),
    peakTasks: fargate.peakTasks,
    peakVcpu: fargate.peakVcpu,
    launches: fargate.launches.length,
    refusals: fargate.refusals,
    retries: tally(
      jobs
        .flatMap(({ attempts }) => attempts.flatMap(({ cause }) => cause ?? []))
        .filter((one) => one !== 'succeeded'),
    ),
    callsPerJob: Object.values(requests).reduce((sum, one) => sum + one, 0) / count,
    callsPerJobBy: perJob(requests, count),
    controlPlaneUsdPer1000Jobs: (usd / count) * 1000,
    conflictsPerJob: Object.values(conflicts).reduce((sum, one) => sum + one, 0) / count,
    functions: invocations,
    errors: log.errors,
  };
}

function costsOf(
  jobs: Job[],
  { settings: { architecture } }: Scenario,
): Pick<Report, 'containerSeconds' | 'costUsd' | 'costOnDemandUsd' | 'costSpotUsd'> {
  const attempts = jobs.flatMap((job) => job.attempts);
  const all = (spot: boolean): number =>
    attempts.reduce(
      (sum, { size, seconds = 0 }) => sum + (seconds > 0 ? cost({ size, spot, seconds, architecture }) : 0),
      0,
    );
  return {
    containerSeconds: attempts.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
    costUsd: attempts.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0),
    costOnDemandUsd: all(false),
    costSpotUsd: all(true),
  };
}

function sumByRequest(
  counts: Record<string, Partial<Record<Request, number>>>,
): Partial<Record<Request, number>> {
  const sums: Partial<Record<Request, number>> = {};
  for (const [request, times] of Object.values(counts).flatMap((one) => Object.entries(one))) {
    sums[request as Request] = (sums[request as Request] ?? 0) + times;
  }
  return sums;
}

function perJob(requests: Partial<Record<Request, number>>, jobs: number): Report['callsPerJobBy'] {
  const service: Record<string, number> = {};
  const request: Partial<Record<Request, number>> = {};
  for (const [name, times] of Object.entries(requests)) {
    const [prefix = ''] = name.split(':');
    service[prefix] = (service[prefix] ?? 0) + times / jobs;
    request[name as Request] = times / jobs;
  }
  return { service, request };
}

/** Two queues of the steps, and that of the jobs, are asked for messages all the time. */
function requestsUsd(requests: Partial<Record<Request, number>>, seconds: number): number {
  const made = Object.entries(requests).reduce(
    (sum, [name, times]) => sum + times * REQUESTS[name as Request].usd,
    0,
  );
  return made + 3 * IDLE_POLLS_PER_SECOND * seconds * REQUESTS['sqs:ReceiveMessage'].usd;
}

const functionsUsd = (functions: Invocations[]): number =>
  functions.reduce((sum, { seconds }) => sum + seconds, 0) * LAMBDA.memoryGb * LAMBDA.usdPerGbSecond;

function tally<T extends string>(values: T[]): Partial<Record<T, number>> & Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts as Partial<Record<T, number>> & Record<string, number>;
}
