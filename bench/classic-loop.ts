/**
 * The classic way to work through a list: a fleet of machines, and a loop that looks once a minute which of them is idle and
 * gives it the next area, in the list's order. The machines get the same work with the same luck as the containers.
 */
import { randomOf } from '../lib/simulate/random.ts';

/** A virtual machine boots and is ready for work in so many seconds (median), and pulls the image once. */
const BOOT_SECONDS = 75;
const PULL_SECONDS = 12;
/** `cron` knows no less. */
const POLL_SECONDS = 60;

/** Seconds from the start of the fleet to the last end. `runs`: how long each area takes once the image is there. */
export function classicLoop(runs: number[], machines: number, seed: number): number {
  const random = randomOf(seed, 'machines');
  const idleAt = Array.from({ length: machines }, () => random.logNormal(BOOT_SECONDS, 0.3) + PULL_SECONDS);
  let last = 0;
  let next = 0;
  for (let now = 0; next < runs.length; now += POLL_SECONDS) {
    for (const [machine, since] of idleAt.entries()) {
      if (since > now || next >= runs.length) continue;
      idleAt[machine] = now + runs[next]!;
      last = Math.max(last, idleAt[machine]);
      next += 1;
    }
  }
  return last;
}
