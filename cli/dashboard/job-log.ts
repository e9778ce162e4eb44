/** The end of a job's log, as a person reads it. */
import { text } from 'node:stream/consumers';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import { findLog } from '../log-tail.ts';
import { logText } from '../log-text.ts';
import type { LogView } from './view.ts';

/** A log may be large: no more than this is read of its end. */
const MOST_BYTES = 256 * 1024;

/** `undefined`: there is no such log (yet). */
export async function readLogEnd(
  ctx: Pick<PipelineContext, 'stores'>,
  job: Job,
  { attempt, lines }: { attempt: number; lines: number },
): Promise<LogView | undefined> {
  const found = await findLog(ctx, job, attempt);
  if (!found) return undefined;
  const start = Math.max(0, found.bytes - MOST_BYTES);
  const body =
    found.bytes === 0 ? '' : await text(await found.store.get(found.key, { start, end: found.bytes - 1 }));
  const all = body.split('\n').filter((line) => line !== '');
  // The first one is cut in the middle.
  if (start > 0) all.shift();
  return {
    job: job.id,
    attempt,
    attempts: job.attempts.length,
    lines: all.slice(-lines).map(logText),
    cut: start > 0 || all.length > lines,
  };
}
