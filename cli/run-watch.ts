/** Shows a run until it has nothing more to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { heldOf } from '../lib/pipeline/set-budget.ts';
import { progressOf, type Progress } from '../lib/rebuild/progress.ts';
import { pauseAfter } from './pace.ts';
import { progressLine, progressText } from './progress-text.ts';
import type { Output } from './streams.ts';

/** Without a terminal: a line when something has ended or begun, at most this often. */
const LINE_EVERY_MS = 10_000;

export interface WatchOptions {
  pollMs: number;
  signal: AbortSignal;
  /** Nothing is printed. */
  quiet?: boolean;
}

/** Nothing of the run waits or runs: all has ended, or what waits is not allowed to start. */
export const isOver = ({ status: { jobs, budgets } }: Progress): boolean =>
  jobs.running === 0 && jobs.waiting === heldOf(budgets);

/** Resolves with the last look: when the run is over, or at the signal. */
export async function watchRun(
  ctx: PipelineContext,
  run: string,
  out: Output,
  { pollMs, signal, quiet = false }: WatchOptions,
): Promise<Progress> {
  let said = '';
  let saidAt = 0;
  for (;;) {
    const begin = performance.now();
    const progress = await progressOf(ctx, run);
    const over = isOver(progress);
    if (!quiet && out.live) out.status(progressText(progress));
    else if (!quiet) {
      const counts = progressLine({ ...progress, leftSeconds: 0 });
      if (counts !== said && (over || Date.now() - saidAt >= LINE_EVERY_MS)) {
        out.note(`${run}  ${progressLine(progress)}`);
        said = counts;
        saidAt = Date.now();
      }
    }
    if (over || signal.aborted) {
      out.status();
      return progress;
    }
    // Cut short at the signal, which is no error.
    await sleep(pauseAfter(begin, pollMs), undefined, { signal }).catch(() => {});
  }
}
