/** How long many jobs take together: list scheduling, as the dispatcher does it, with times that are known. */
import { LAUNCH_BUCKET, LAUNCHES_PER_SECOND } from '../pipeline/admission.ts';
import type { PipelineSettings } from '../pipeline/context.ts';
import type { PlannedJob } from '../pipeline/plan.ts';

export type Timed = Pick<PlannedJob, 'size' | 'limits' | 'fetchSeconds'> & { expectedSeconds: number };
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
    const next = tokens < 1 ? now + 1 / LAUNCHES_PER_SECOND : running.nextChange();
    if (running.count < room.maxTasks && running.heldBy !== undefined) result.heldBy ??= running.heldBy;
    tokens = Math.min(LAUNCH_BUCKET, tokens + (next - now) * LAUNCHES_PER_SECOND);
    now = next;
    running.goOnUntil(now);
  }
  return result;
}

/** By their time, the first at the end of the list. */
type Times = { at: number; job: Timed }[];

function insert(times: Times, at: number, job: Timed): void {
  times.splice(times.findLastIndex((other) => other.at >= at) + 1, 0, { at, job });
}

/** What holds slots, and shares of limits, at a moment. */
class Running {
  readonly #room: Room;
  readonly #ends: Times = [];
  /** Of those that hold shares: when they give them back. */
  readonly #fetched: Times = [];
  readonly #perLimit = new Map<string, number>();
  #memoryMiB = 0;
  vcpu = 0;
  /** The limit that refused the last job. */
  heldBy: string | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  get count(): number {
    return this.#ends.length;
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
    const { expectedSeconds, fetchSeconds = expectedSeconds } = job;
    const end = now + expectedSeconds;
    insert(this.#ends, end, job);
    this.#holdSlot(job, 1);
    if (job.limits.length > 0) {
      insert(this.#fetched, now + Math.min(fetchSeconds, expectedSeconds), job);
      this.#holdLimits(job, 1);
    }
    return end;
  }

  nextChange(): number {
    return Math.min(this.#ends.at(-1)?.at ?? Infinity, this.#fetched.at(-1)?.at ?? Infinity);
  }

  goOnUntil(now: number): void {
    while ((this.#fetched.at(-1)?.at ?? Infinity) <= now) this.#holdLimits(this.#fetched.pop()!.job, -1);
    while ((this.#ends.at(-1)?.at ?? Infinity) <= now) this.#holdSlot(this.#ends.pop()!.job, -1);
  }

  #holdSlot({ size }: Timed, by: 1 | -1): void {
    this.vcpu += by * size.vcpu;
    this.#memoryMiB += by * size.memoryMiB;
  }

  #holdLimits({ limits }: Timed, by: 1 | -1): void {
    for (const limit of limits) this.#perLimit.set(limit, (this.#perLimit.get(limit) ?? 0) + by);
  }
}
