/** The size of a job's first attempt: what the task file says, or what was found out the hard way the last time. */
import type { FargateSize } from '../ports.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { clampTo } from '../tasks/sizes.ts';
import { sameMaking } from './fresh.ts';
import type { Params } from './job.ts';
import type { Receipt } from './receipt.ts';

export interface SizeParts {
  bytes: number;
  /** As given. */
  given: Params;
  /** With the defaults. */
  params: Record<string, unknown>;
  /** The largest that the task and the backend have. */
  ceiling: FargateSize;
  /** Of what is published under the job's name. */
  receipt: Receipt | undefined;
}

/** Memory that was needed last time for the same making is given at once: each month's first attempt need not fail. */
export function startingSize(
  task: TaskDefinition,
  { bytes, given, params, ceiling, receipt }: SizeParts,
): FargateSize {
  const size = clampTo(task.size({ bytes, params }), ceiling);
  const last = receipt?.attempts.at(-1);
  if (!receipt || last?.cause !== 'succeeded' || !sameMaking(receipt, given)) return size;
  return last.size.memoryMiB > size.memoryMiB
    ? clampTo({ ...last.size, diskGiB: Math.max(last.size.diskGiB, size.diskGiB) }, ceiling)
    : size;
}
