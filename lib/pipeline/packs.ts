/** Which waiting jobs share a container launch: as the task file's `pack` says, in the order in which they wait. */
import type { Pack } from '../tasks/define-task.ts';
import { entryOf, fits, nameIsFree, type Admission, type Entry } from './admission.ts';
import { affordable } from './budget.ts';
import type { PipelineContext } from './context.ts';
import { lastAttempt, type Cause, type Job } from './job.ts';
import { taskOf } from './task-of.ts';

/** Ends that say nothing against the job itself: it may share a container again. After any other it goes alone. */
const INNOCENT = new Set<Cause>(['interrupted', 'never-started', 'not-reached']);

/** What a job brings to a pack. Jobs of one kind may share a container. */
interface Share {
  rule: Pack;
  kind: string;
  bytes: number;
  seconds: number;
}

/** `undefined`: it goes alone. */
function shareOf(ctx: PipelineContext, job: Job): Share | undefined {
  const rule = ctx.tasks.get(job.task)?.pack;
  const last = lastAttempt(job)?.cause;
  if (!rule || (last !== undefined && !INNOCENT.has(last))) return undefined;
  const seconds = expectedSeconds(ctx, job);
  if (seconds === undefined || seconds > rule.seconds || job.bytes > rule.bytes) return undefined;
  const { task, run, priority, size, spot, limits, bytes } = job;
  return { rule, kind: JSON.stringify([task, run, priority, size, spot, limits]), bytes, seconds };
}

/** `undefined` where a deployment changed the task under the job: what comes of it is not to hurt others. */
function expectedSeconds(ctx: PipelineContext, job: Job): number | undefined {
  try {
    const { task, params } = taskOf(ctx, job);
    return job.expectedSeconds ?? task.expectedSeconds({ bytes: job.bytes, params });
  } catch {
    return undefined;
  }
}

/** A launch to be: of one job, or a pack that others may still join. */
interface Gathered {
  jobs: [Job, ...Job[]];
  /** Of a pack. */
  share?: Share;
  /** It has a slot: it is to be launched now. */
  placed: boolean;
  /** A pack that is full in one way or another: no more need be looked for. */
  closed: boolean;
}

export class PackGatherer {
  readonly #ctx: PipelineContext;
  readonly #held: Entry[];
  readonly #budgets: Admission['budgets'];
  readonly #most: number;
  readonly #gathered: Gathered[] = [];
  readonly #names = new Set<string>();
  /** Of the limits asked for: how many more launches each allows. */
  readonly #left = new Map<string, number>();
  #placed = 0;

  /** `most`: launches that there is room for; `admission`: what they must fit beside. */
  constructor(ctx: PipelineContext, { entries, budgets }: Admission, most: number) {
    this.#ctx = ctx;
    this.#held = [...entries];
    this.#budgets = budgets;
    this.#most = most;
  }

  /** Jobs come in the order in which they wait. One that does not fit keeps none behind it from trying. */
  take(job: Job): void {
    const name = `${job.task}/${job.name}`;
    if (this.#names.has(name) || !nameIsFree(this.#held, job) || !this.#canPay(job)) return;
    const share = shareOf(this.#ctx, job);
    const joined = share && this.#join(job, share);
    if (!joined && !this.#begin(job, share)) return;
    this.#names.add(name);
  }

  /** Whether a job that counts against these limits could start, or join a pack. Where it could not, its record need not be read. */
  hasUseFor(limits: string[] | undefined): boolean {
    const isSpent = limits?.some((limit) => this.#shareLeft(limit) <= 0) ?? false;
    return !isSpent || this.#gathered.some(({ share, closed }) => share && !closed);
  }

  #shareLeft(limit: string): number {
    const share = this.#ctx.settings.limits[limit];
    if (share === undefined) return Number.POSITIVE_INFINITY;
    const known = this.#left.get(limit);
    if (known !== undefined) return known;
    const holding = this.#held.filter(
      (entry) => entry.settledAt === undefined && entry.limits.includes(limit),
    );
    this.#left.set(limit, share - holding.length);
    return share - holding.length;
  }

  /** Whether looking at more jobs could start any of them now. */
  isFull(): boolean {
    return (
      this.#placed === this.#most &&
      this.#gathered.every(({ placed, closed, share }) => !share || !placed || closed)
    );
  }

  /** The launches, in the order of their first jobs. `waitSeconds`: when a pack that still waits for companions goes without. */
  result(): { launches: Job[][]; waitSeconds?: number } {
    const launches = this.#gathered.filter(({ placed }) => placed).map(({ jobs }) => jobs);
    const lingering = this.#gathered.filter(({ placed, closed }) => !placed && !closed);
    const waits = lingering.map((pack) => this.#lingersFor(pack)).filter((seconds) => seconds > 0);
    return { launches, ...(waits.length === 0 ? {} : { waitSeconds: Math.min(...waits) }) };
  }

  /** What joins a pack after it was placed is counted when the launch is admitted. */
  #canPay(job: Job): boolean {
    const admission = { entries: this.#held, ...(this.#budgets ? { budgets: this.#budgets } : {}) };
    return affordable(admission, [job], this.#ctx.settings).length > 0;
  }

  #join(job: Job, share: Share): boolean {
    const open = this.#gathered.filter(
      (pack) => pack.share?.kind === share.kind && pack.jobs.length < share.rule.jobs,
    );
    const pack = open.find((one) => hasRoom(one, share));
    // What had no room for this one has companions enough.
    for (const crowded of open) if (crowded !== pack) this.#close(crowded);
    if (!pack?.share) return false;
    pack.jobs.push(job);
    pack.share = {
      ...share,
      bytes: pack.share.bytes + share.bytes,
      seconds: pack.share.seconds + share.seconds,
    };
    if (pack.jobs.length >= share.rule.jobs) this.#close(pack);
    else if (this.#lingersFor(pack) <= 0) this.#place(pack);
    return true;
  }

  /** False: there is no room for it. */
  #begin(job: Job, share: Share | undefined): boolean {
    const fresh: Gathered = { jobs: [job], placed: false, closed: false, ...(share ? { share } : {}) };
    const lingers = share !== undefined && share.rule.jobs > 1 && this.#lingersFor(fresh) > 0;
    if (!lingers && !this.#place(fresh)) return false;
    fresh.closed = (share?.rule.jobs ?? 1) === 1;
    this.#gathered.push(fresh);
    return true;
  }

  #close(pack: Gathered): void {
    if (pack.closed) return;
    pack.closed = true;
    this.#place(pack);
  }

  /** False when there is no slot for it. */
  #place(pack: Gathered): boolean {
    if (pack.placed) return true;
    if (this.#placed === this.#most || !fits(this.#held, pack.jobs, this.#ctx.settings)) return false;
    pack.placed = true;
    this.#placed += 1;
    this.#held.push(entryOf(pack.jobs, this.#ctx));
    for (const limit of pack.jobs[0].limits) this.#left.delete(limit);
    return true;
  }

  /** Seconds until its first comer has waited long enough; not above 0 when it has. */
  #lingersFor({ jobs, share }: Gathered): number {
    const since = Math.min(...jobs.map(({ acceptedAt }) => acceptedAt));
    return (share?.rule.lingerSeconds ?? 0) - (this.#ctx.clock.now() - since) / 1000;
  }
}

const hasRoom = ({ share }: Gathered, more: Share): boolean =>
  share !== undefined &&
  share.bytes + more.bytes <= more.rule.bytes &&
  share.seconds + more.seconds <= more.rule.seconds;
