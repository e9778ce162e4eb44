/** What a Fargate task costs. https://aws.amazon.com/fargate/pricing/ */
import type { FargateSize } from '../ports.ts';
import { FREE_DISK_GIB } from './sizes.ts';

export type Architecture = 'x86_64' | 'arm64';

/** US dollars, Linux. Not in it: requests, storage, logs, public IPv4 addresses, taxes. */
export const PRICES = {
  region: 'us-east-1',
  asOf: '2026-11',
  vcpuHour: { x86_64: 0.04048, arm64: 0.03238 },
  memoryGbHour: { x86_64: 0.004445, arm64: 0.00356 },
  /** Per GB above the free 20, the same on Spot. */
  diskGbHour: 0.000111,
  /**
   * Spot's share of the price of vCPU and memory. AWS promises only "up to 70 % off" and moves it with demand: this is
   * the best case, so a Spot cost is an estimate where an on-demand cost is a sum.
   */
  spotShare: 0.3,
} as const;

export interface Usage {
  size: FargateSize;
  spot: boolean;
  /** From the start of the image pull to the stop. */
  seconds: number;
  architecture: Architecture;
}

/** Fargate bills whole seconds, and a minute at least. */
export function billedSeconds(seconds: number): number {
  return Math.max(60, Math.ceil(seconds));
}

/** US dollars. */
export function cost({ size, spot, seconds, architecture }: Usage): number {
  const hours = billedSeconds(seconds) / 3600;
  const compute =
    size.vcpu * PRICES.vcpuHour[architecture] + (size.memoryMiB / 1024) * PRICES.memoryGbHour[architecture];
  const disk = Math.max(0, size.diskGiB - FREE_DISK_GIB) * PRICES.diskGbHour;
  return hours * (compute * (spot ? PRICES.spotShare : 1) + disk);
}
