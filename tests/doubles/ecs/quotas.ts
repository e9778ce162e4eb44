/** What AWS allows: calls a second, launches a second, vCPUs, and room on Spot. */
import type { Clock } from './clock.ts';
import { cpuUnits } from './fargate-sizes.ts';
import type { Quotas } from './options.ts';
import { REFUSALS, type Refusal } from './refusals.ts';
import type { EcsState } from './state.ts';

export interface Limits {
  /** One more call: whether it is let through. */
  call(): boolean;
  /** What a launch of so many tasks of this size meets; nothing when there is room. */
  launch(request: { count: number; cpu: string; spot: boolean }): Refusal | undefined;
}

/** A token bucket: so many at once, refilled by so many a second. */
function bucket(size: number, perSecond: number, clock: Clock): (count: number) => boolean {
  let tokens = size;
  let at = clock.now();
  return (count) => {
    const now = clock.now();
    tokens = Math.min(size, tokens + ((now - at) / 1000) * perSecond);
    at = now;
    if (tokens < count) return false;
    tokens -= count;
    return true;
  };
}

export function limits(
  {
    callsPerSecond = 20,
    launchBurst = 100,
    launchesPerSecond = 20,
    vcpus = Number.POSITIVE_INFINITY,
    spotVcpus = Number.POSITIVE_INFINITY,
    spotTasks = Number.POSITIVE_INFINITY,
  }: Quotas,
  state: EcsState,
  clock: Clock,
): Limits {
  const calls = bucket(callsPerSecond, callsPerSecond, clock);
  const launches = bucket(launchBurst, launchesPerSecond, clock);
  return {
    call: () => calls(1),
    launch({ count, cpu, spot }) {
      const running = [...state.tasks.values()].filter(
        ({ lastStatus, capacityProviderName }) =>
          lastStatus !== 'STOPPED' && (capacityProviderName === 'FARGATE_SPOT') === spot,
      );
      if (spot && running.length + count > spotTasks) return REFUSALS.noCapacity;
      const used = running.reduce((sum, task) => sum + cpuUnits(task.cpu) / 1024, 0);
      if (used + (count * cpuUnits(cpu)) / 1024 > (spot ? spotVcpus : vcpus)) return REFUSALS.vcpuQuota;
      return launches(count) ? undefined : REFUSALS.throttle;
    },
  };
}
