/** What no order of the same containers could be faster than. */
import type { SimulatedTask } from './fargate.ts';
import { LAUNCH_BUCKET, LAUNCHES_PER_SECOND } from './fargate.ts';
import type { Scenario } from './scenario.ts';

/** Seconds. A container holds its slot from RunTask's answer to STOPPED. */
export interface Bounds {
  /** All slot seconds, shared by `maxTasks`. */
  tasks: number;
  /** The longest chain of containers of one job. */
  longest: number;
  /** Fargate's launch quota. */
  launches: number;
  /** vCPU seconds, shared by the account's quota. */
  vcpu: number;
  /** Seconds for which shares of a named limit were needed, shared by it: the worst of the limits. */
  limits: number;
}

function add(map: Map<string, number>, key: string, seconds: number): void {
  map.set(key, (map.get(key) ?? 0) + seconds);
}

/** For how long shares of each named limit were held, added up: from RunTask's answer until fetched. */
export function shareSeconds(tasks: readonly SimulatedTask[]): Map<string, number> {
  const held = new Map<string, number>();
  for (const { launchedAt, fetchedAt, limits, state } of tasks) {
    const until = fetchedAt ?? state.stoppedAt ?? launchedAt;
    for (const limit of limits) add(held, limit, (until - launchedAt) / 1000);
  }
  return held;
}

export function boundsOf(tasks: readonly SimulatedTask[], { settings, quotaVcpu }: Scenario): Bounds {
  let slots = 0;
  let count = 0;
  const vcpu = { spot: 0, onDemand: 0 };
  const byJob = new Map<string, number>();
  for (const { launch, launchedAt, state } of tasks) {
    const seconds = ((state.stoppedAt ?? launchedAt) - launchedAt) / 1000;
    count += 1;
    slots += seconds;
    vcpu[launch.spot ? 'spot' : 'onDemand'] += launch.size.vcpu * seconds;
    for (const { job } of launch.members) add(byJob, job, seconds);
  }
  const shares = [...shareSeconds(tasks)].map(
    ([limit, sum]) => sum / (settings.limits[limit] ?? Number.POSITIVE_INFINITY),
  );
  return {
    tasks: slots / settings.maxTasks,
    longest: Math.max(0, ...byJob.values()),
    launches: Math.max(0, count - LAUNCH_BUCKET) / LAUNCHES_PER_SECOND,
    vcpu: Math.max(vcpu.spot, vcpu.onDemand) / quotaVcpu,
    limits: Math.max(0, ...shares),
  };
}

/** The bound that binds. */
export function tightest(bounds: Bounds): { by: keyof Bounds; seconds: number } {
  const [[by, seconds]] = Object.entries(bounds).toSorted(([, a], [, b]) => b - a) as [
    [keyof Bounds, number],
  ];
  return { by, seconds };
}
