/** What chance has in store for one attempt. It hangs on seed, job and attempt alone: another order meets the same luck. */
import type { LaunchMember } from '../ports.ts';
import { randomOf } from './random.ts';
import type { Chances } from './scenario.ts';

/** Seconds, but for the share. */
export interface Luck {
  /** From RunTask's answer to the start of the image pull: network interface, placement. */
  provisioning: number;
  /** From there to the start of main: pull, stage-in. Part of the run. */
  pulling: number;
  /** From the start of the pull to the end of the last container, if nothing cuts it short. */
  run: number;
  /** From there on, until it has fetched what it needs; absent where that is no step of its own. Part of the run. */
  fetching?: number;
  /** From the end of the last container to STOPPED. */
  deprovisioning: number;
  /** From STOPPED to the call of the settle Lambda. */
  eventDelay: number;
  neverStarts: boolean;
  /** Spot: so long after the start of the pull, unless it has ended by then. */
  lostAfter: number;
  memoryMiB: number;
  /** Of the run, after which a container that is too small is out of memory. */
  outOfMemoryAt: number;
  eventComes: 0 | 1 | 2;
}

export interface Needs {
  expectedSeconds: number;
  /** Of these, for the step that fetches, where there is one. */
  fetchSeconds?: number;
  /** What the task file gives an input of this size. */
  memoryMiB: number;
}

export function luckOf(
  seed: number,
  member: Pick<LaunchMember, 'job' | 'attempt'>,
  needs: Needs,
  chances: Chances,
): Luck {
  // What a job needs is the same in each attempt.
  const job = randomOf(seed, member.job);
  const attempt = randomOf(seed, member.job, member.attempt);
  const slowness = job.logNormal(1, chances.runTimeSigma);
  const run = needs.expectedSeconds * slowness;
  const pulling = Math.min(0.5 * run, attempt.logNormal(12, 0.3));
  const { fetchSeconds } = needs;
  return {
    run,
    ...(fetchSeconds === undefined
      ? {}
      : { fetching: Math.max(0, Math.min(run, fetchSeconds * slowness) - pulling) }),
    memoryMiB: needs.memoryMiB * job.logNormal(chances.memoryShare, chances.memorySigma),
    provisioning: attempt.logNormal(12, 0.3),
    pulling,
    deprovisioning: attempt.logNormal(6, 0.3),
    eventDelay: attempt.logNormal(1, 0.4),
    neverStarts: attempt.chance(chances.neverStarted),
    lostAfter:
      chances.spotLossesPerHour > 0
        ? attempt.exponential(3600 / chances.spotLossesPerHour)
        : Number.POSITIVE_INFINITY,
    outOfMemoryAt: 0.4 + 0.6 * attempt.uniform(),
    eventComes: attempt.chance(chances.eventLost) ? 0 : attempt.chance(chances.eventTwice) ? 2 : 1,
  };
}
