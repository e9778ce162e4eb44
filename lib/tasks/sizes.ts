/**
 * The sizes that Fargate has, and the way from one to another.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
 */
import type { FargateSize } from '../ports.ts';

const GIB = 1024;

interface VcpuRow {
  vcpu: number;
  /** Valid memory in MiB, ascending. */
  memoryMiB: number[];
}

/** From `first` to `last` GiB in steps of `step`. */
function memoryRange(first: number, last: number, step: number): number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => (first + index * step) * GIB);
}

export const FARGATE_SIZES: readonly VcpuRow[] = [
  { vcpu: 0.25, memoryMiB: [0.5 * GIB, 1 * GIB, 2 * GIB] },
  { vcpu: 0.5, memoryMiB: memoryRange(1, 4, 1) },
  { vcpu: 1, memoryMiB: memoryRange(2, 8, 1) },
  { vcpu: 2, memoryMiB: memoryRange(4, 16, 1) },
  { vcpu: 4, memoryMiB: memoryRange(8, 30, 1) },
  { vcpu: 8, memoryMiB: memoryRange(16, 60, 4) },
  { vcpu: 16, memoryMiB: memoryRange(32, 120, 8) },
];

/** Twenty are free and always there; more is billed. */
export const FREE_DISK_GIB = 20;
export const MOST_DISK_GIB = 200;

export const LARGEST_SIZE: FargateSize = { vcpu: 16, memoryMiB: 120 * GIB, diskGiB: MOST_DISK_GIB };

/** Whether Fargate starts a task of exactly this size. */
export function isValidSize({ vcpu, memoryMiB, diskGiB }: FargateSize): boolean {
  const row = FARGATE_SIZES.find((candidate) => candidate.vcpu === vcpu);
  const diskIsValid = Number.isInteger(diskGiB) && diskGiB >= FREE_DISK_GIB && diskGiB <= MOST_DISK_GIB;
  return row !== undefined && row.memoryMiB.includes(memoryMiB) && diskIsValid;
}

/**
 * The smallest valid size with at least this much of each. More memory than the vCPU may have brings more vCPU with it.
 * Throws a RangeError when Fargate has none so large.
 */
export function roundUp({ vcpu, memoryMiB, diskGiB }: FargateSize): FargateSize {
  for (const row of FARGATE_SIZES) {
    const memory = row.memoryMiB.find((candidate) => candidate >= memoryMiB);
    if (row.vcpu >= vcpu && memory !== undefined && diskGiB <= MOST_DISK_GIB) {
      return { vcpu: row.vcpu, memoryMiB: memory, diskGiB: Math.max(FREE_DISK_GIB, Math.ceil(diskGiB)) };
    }
  }
  throw new RangeError(
    `Fargate has no size for ${sizeText({ vcpu, memoryMiB, diskGiB })}; the largest is ${sizeText(LARGEST_SIZE)}`,
  );
}

/**
 * The size to try after running out of memory: twice the memory, rounded up to a valid size and cut to the ceiling;
 * undefined when the ceiling has no more memory.
 *
 * Twice, because every retry does the whole work again: with doubling, all that failed costs less memory-time than
 * the attempt that succeeds, and 2 GB to 120 GB takes six steps; Fargate's own steps of 1 GB would take dozens.
 */
export function nextMemory(size: FargateSize, ceiling: FargateSize): FargateSize | undefined {
  const memoryMiB = Math.min(size.memoryMiB * 2, ceiling.memoryMiB, LARGEST_SIZE.memoryMiB);
  const next = clampTo(roundUp({ ...size, memoryMiB }), ceiling);
  return next.memoryMiB > size.memoryMiB ? next : undefined;
}

/**
 * No more of anything than the ceiling has. Of two valid sizes the result is valid too; a machine's own ceiling (2 cores,
 * 7,900 MiB) gives sizes that only that machine can start.
 */
export function clampTo(size: FargateSize, ceiling: FargateSize): FargateSize {
  return {
    vcpu: Math.min(size.vcpu, ceiling.vcpu),
    memoryMiB: Math.min(size.memoryMiB, ceiling.memoryMiB),
    diskGiB: Math.min(size.diskGiB, ceiling.diskGiB),
  };
}

/** The ceiling that two ceilings make: the task's and the backend's. */
export const smallerOf = (a: FargateSize, b: FargateSize): FargateSize => clampTo(a, b);

/** `2 vCPU / 8 GB`, with the disk when it is more than the free one. */
export function sizeText({ vcpu, memoryMiB, diskGiB }: FargateSize): string {
  const memory = `${Number((memoryMiB / GIB).toFixed(1))} GB`;
  return `${vcpu} vCPU / ${memory}${diskGiB > FREE_DISK_GIB ? ` / ${diskGiB} GB disk` : ''}`;
}
