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

export function boundsOf(tasks: Iterable<SimulatedTask>, { settings, quotaVcpu }: Scenario): Bounds {
  let slots = 0;
  let count = 0;
  const vcpu = { spot: 0, onDemand: 0 };
  const byJob = new Map<string, number>();
  const byLimit = new Map<string, number>();
  for (const { launch, launchedAt, fetchedAt, limits, state } of tasks) {
    const seconds = ((state.stoppedAt ?? launchedAt) - launchedAt) / 1000;
    count += 1;
    slots += seconds;
    vcpu[launch.spot ? 'spot' : 'onDemand'] += launch.size.vcpu * seconds;
    for (const { job } of launch.members) add(byJob, job, seconds);
    const held = fetchedAt === undefined ? seconds : (fetchedAt - launchedAt) / 1000;
    for (const limit of limits) add(byLimit, limit, held);
  }
  const shares = [...byLimit].map(
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
