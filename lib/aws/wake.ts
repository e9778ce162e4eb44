/** Nobody else would wake the dispatcher when it only waits for time to pass. */
import type { PipelineContext } from '../pipeline/context.ts';
import type { DispatchResult } from '../pipeline/dispatch.ts';

/** SQS delays a message by 15 minutes at most. */
const MAX_DELAY_SECONDS = 900;

export async function wakeLater(
  { jobs }: Pick<PipelineContext, 'jobs'>,
  { retryAfterSeconds }: DispatchResult,
): Promise<void> {
  if (retryAfterSeconds === undefined) return;
  const delaySeconds = Math.min(MAX_DELAY_SECONDS, Math.max(1, Math.ceil(retryAfterSeconds)));
  await jobs.send([JSON.stringify({ kind: 'wake' })], { delaySeconds });
}
