/** Whether jobs wait that nothing starts: what an operator must hear of, whatever the cause is. */
import { readAdmission } from './admission.ts';
import type { PipelineContext } from './context.ts';
import { keys } from './keys.ts';

export interface Line {
  /** Containers that hold a slot. */
  running: number;
  /** Jobs that wait for room, counted up to {@link MOST_COUNTED}. */
  inLine: number;
  /** Since the first in line was accepted, or the youngest container was started, whichever is later; 0 when none waits. */
  stalledSeconds: number;
}

/** One page of an S3 listing. */
const MOST_COUNTED = 1000;

/** `undefined` when nothing runs and nothing waits. One record and one listing are read; a third only when jobs wait. */
export async function lookAtLine(ctx: PipelineContext): Promise<Line | undefined> {
  const { entries } = await readAdmission(ctx);
  const running = entries.filter(({ settledAt }) => settledAt === undefined).length;
  let inLine = 0;
  let first: string | undefined;
  for await (const marker of ctx.records.list(keys.waitingPrefix)) {
    first ??= marker;
    inLine += 1;
    if (inLine === MOST_COUNTED) break;
  }
  if (running === 0 && inLine === 0) return undefined;
  const acceptedAt =
    first === undefined ? undefined : (await ctx.records.read<{ at: number }>(first))?.value.at;
  // Gone since the listing: it was started this moment.
  if (acceptedAt === undefined) return { running, inLine, stalledSeconds: 0 };
  // A launch that was put off leaves no entry behind: only what really started counts.
  const since = Math.max(acceptedAt, ...entries.map(({ claimedAt }) => claimedAt));
  return { running, inLine, stalledSeconds: Math.max(0, (ctx.clock.now() - since) / 1000) };
}
