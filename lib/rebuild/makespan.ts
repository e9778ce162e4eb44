/** How long many jobs take together: list scheduling, as the dispatcher does it, with times that are known. */
import { LAUNCH_BUCKET, LAUNCHES_PER_SECOND } from '../pipeline/admission.ts';
import type { PipelineSettings } from '../pipeline/context.ts';
import type { PlannedJob } from '../pipeline/plan.ts';

export type Timed = Pick<PlannedJob, 'size' | 'limits'> & { expectedSeconds: number };
export type Room = Pick<PipelineSettings, 'maxTasks' | 'limits' | 'memoryMiB'>;

export interface Makespan {
  /** From the first launch to the last end. */
  seconds: number;
  /** Most vCPU and containers at once. */
  peakVcpu: number;
  peakTasks: number;
  /** The named limit that held jobs back while there were slots free, if one did. */
  heldBy?: string;
}

/** `jobs` in the order in which they go. Pure; takes a second for 10,000 jobs of one limit. */
export function makespan(jobs: readonly Timed[], room: Room): Makespan {
  const waiting = [...jobs];
  const running = new Running(room);
  const result: Makespan = { seconds: 0, peakVcpu: 0, peakTasks: 0 };
  let tokens = LAUNCH_BUCKET;
  let now = 0;
  while (waiting.length > 0) {
    const at = tokens >= 1 ? waiting.findIndex((job) => running.fits(job)) : -1;
    const job = waiting[at];
    if (job) {
      waiting.splice(at, 1);
      tokens -= 1;
      result.seconds = Math.max(result.seconds, running.start(job, now));
      result.peakVcpu = Math.max(result.peakVcpu, running.vcpu);
      result.peakTasks = Math.max(result.peakTasks, running.count);
      continue;
    }
    // Memory that no job may have lets a job run alone: something runs, or a token is missed.
    const next = tokens < 1 ? now + 1 / LAUNCHES_PER_SECOND : running.nextEnd();
    if (running.count < room.maxTasks && running.heldBy !== undefined) result.heldBy ??= running.heldBy;
    tokens = Math.min(LAUNCH_BUCKET, tokens + (next - now) * LAUNCHES_PER_SECOND);
    now = next;
    running.endUntil(now);
  }
  return result;
}

/** What holds slots at a moment. */
class Running {
  readonly #room: Room;
  /** By their end, the first at the end of the list. */
  readonly #jobs: { end: number; job: Timed }[] = [];
  readonly #perLimit = new Map<string, number>();
  #memoryMiB = 0;
  vcpu = 0;
  /** The limit that refused the last job. */
  heldBy: string | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  get count(): number {
    return this.#jobs.length;
  }

  fits({ limits, size }: Timed): boolean {
    this.heldBy = undefined;
    if (this.count >= this.#room.maxTasks) return false;
    this.heldBy = limits.find(
      (limit) => (this.#perLimit.get(limit) ?? 0) >= (this.#room.limits[limit] ?? Infinity),
    );
    if (this.heldBy !== undefined) return false;
    const { memoryMiB = Infinity } = this.#room;
    return this.count === 0 || this.#memoryMiB + size.memoryMiB <= memoryMiB;
  }

  start(job: Timed, now: number): number {
    const end = now + job.expectedSeconds;
    const at = this.#jobs.findLastIndex((other) => other.end >= end) + 1;
    this.#jobs.splice(at, 0, { end, job });
    this.#count(job, 1);
    return end;
  }

  nextEnd(): number {
    return this.#jobs.at(-1)?.end ?? Infinity;
  }

  endUntil(now: number): void {
    while (this.nextEnd() <= now) this.#count(this.#jobs.pop()!.job, -1);
  }

  #count({ limits, size }: Timed, by: 1 | -1): void {
    for (const limit of limits) this.#perLimit.set(limit, (this.#perLimit.get(limit) ?? 0) + by);
    this.vcpu += by * size.vcpu;
    this.#memoryMiB += by * size.memoryMiB;
  }
}
