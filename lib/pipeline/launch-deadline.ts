/** How long a container may take. */

/** A member that is deaf at its deadline has half a minute more, and its logs some seconds. */
const GRACE_SECONDS = 60;

/** Seconds, from those of its members: of several the runner itself ends each, and this is for when it cannot. */
export const launchDeadline = (deadlines: number[]): number =>
  deadlines.reduce((sum, seconds) => sum + seconds, 0) +
  (deadlines.length > 1 ? deadlines.length * GRACE_SECONDS : 0);
