/** Handles a batch of messages as the dispatch function does: the world's stand-in for it. */
import { accept } from '../../lib/pipeline/accept.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { dispatch, type DispatchResult } from '../../lib/pipeline/dispatch.ts';
import { PipelineMessage, type WakeMessage } from '../../lib/pipeline/messages.ts';

/** Takes them in, then starts what fits. `failed` are the places of those to be delivered again. */
export async function handleMessages(
  ctx: PipelineContext,
  bodies: string[],
): Promise<{ failed: number[]; dispatched: DispatchResult }> {
  const failed: number[] = [];
  const wakes: WakeMessage[] = [];
  for (const [at, body] of bodies.entries()) {
    try {
      const message = PipelineMessage.parse(JSON.parse(body));
      if (message.kind === 'wake') wakes.push(message);
      else await accept(ctx, message);
    } catch (error) {
      ctx.log.error('Message:Handle:Failed', { reason: String(error), body: body.slice(0, 1000) });
      failed.push(at);
    }
  }
  return { failed, dispatched: await dispatch(ctx, { wakes }) };
}
