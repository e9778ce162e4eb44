/** Waiting for jobs to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { keys } from '../lib/pipeline/keys.ts';
import { pauseAfter } from './pace.ts';

export interface WaitOptions {
  pollMs: number;
  /** Ends the waiting. */
  signal: AbortSignal;
  /** Called with each look, with the jobs that have not ended yet. */
  each(left: ReadonlySet<string>): Promise<void>;
}

/** Resolves when all of a run's `jobs` have ended, or at the signal. One listing a look, however many there are. */
export async function waitForJobs(
  ctx: PipelineContext,
  run: string,
  jobs: string[],
  options: WaitOptions,
): Promise<void> {
  const left = new Set(jobs);
  for (;;) {
    const begin = performance.now();
    for await (const key of ctx.records.list(keys.run(run))) {
      const [, , state, job = ''] = key.split('/');
      if (state !== 'accepted') left.delete(job);
    }
    if (left.size === 0 || options.signal.aborted) return;
    await options.each(left);
    try {
      await sleep(pauseAfter(begin, options.pollMs), undefined, { signal: options.signal });
    } catch (error) {
      if (!options.signal.aborted) throw error;
    }
  }
}
