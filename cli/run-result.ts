/** What `longshore run` ends with. */
import { publishedReceipt } from '../lib/pipeline/fresh.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Job, JobState } from '../lib/pipeline/job.ts';

export interface RunResult {
  job: string;
  run: string;
  state: JobState;
  /** What is published under the job's name, metadata included; empty when it was not published. */
  outputs: { uri: string; bytes: number; sha256: string }[];
  /** URI; absent while the job has not ended. */
  receipt?: string;
  /** Containers started; 0 when what is published was fresh enough. */
  attempts: number;
  /** Container seconds, all attempts together. */
  seconds: number;
  /** What they cost, or would have cost on Fargate (on demand or Spot as recorded), in US dollars. */
  costUsd: number;
  /** Highest memory use of an attempt; absent where the kernel does not tell. */
  peakMemoryBytes?: number;
  cause?: string;
  reason?: string;
}

export async function resultOf(ctx: PipelineContext, job: Job): Promise<RunResult> {
  const { id, run, state, receipt, attempts, cause, reason } = job;
  const files = state === 'published' ? ((await publishedReceipt(ctx, job))?.files ?? []) : [];
  const peaks = attempts.map(({ peakMemoryBytes }) => peakMemoryBytes ?? 0);
  return {
    job: id,
    run,
    state,
    outputs: files.map(({ uri, bytes, sha256 }) => ({ uri, bytes, sha256 })),
    ...(receipt === undefined ? {} : { receipt }),
    attempts: attempts.length,
    seconds: sum(attempts.map(({ seconds }) => seconds ?? 0)),
    costUsd: sum(attempts.map(({ costUsd }) => costUsd ?? 0)),
    ...(Math.max(0, ...peaks) > 0 ? { peakMemoryBytes: Math.max(...peaks) } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Micros of seconds and dollars are enough, and free of binary fractions' tails. */
const sum = (values: number[]): number =>
  Number(values.reduce((total, value) => total + value, 0).toFixed(6));
