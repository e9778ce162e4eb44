/**
 * Time in which this machine was awake. Deadlines count from when a container started: a clock that was put right, or a night
 * with the lid closed, must not end what was under way.
 */
import * as z from 'zod';
import { bootId } from './proc.ts';

/** A moment: milliseconds awake since the machine was started for this time. */
export const Awake = z.object({ boot: z.string(), ms: z.number() });
export type Awake = z.infer<typeof Awake>;

export async function awakeNow(): Promise<Awake> {
  // CLOCK_MONOTONIC: nobody sets it, it is the same for all processes, and it stands still while the machine sleeps.
  return { boot: await bootId(), ms: Number(process.hrtime.bigint() / 1_000_000n) };
}

/** The moment by today's clock, as if no time had been slept through since; `undefined` for one of an earlier boot. */
export async function timeOfMoment(moment: Awake): Promise<number | undefined> {
  const now = await awakeNow();
  return moment.boot === now.boot ? Date.now() - (now.ms - moment.ms) : undefined;
}
