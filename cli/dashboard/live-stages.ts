/** What running jobs say of themselves: the stage, from their logs, and their memory, from the engine. */
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { Attempt } from '../../lib/pipeline/job.ts';
import type { MemoryOf } from '../job-watch.ts';
import { LogTail, type LiveLogOf } from '../log-tail.ts';
import { parseLine } from '../log-text.ts';
import { heard, progressText, shareOf, type Progress } from '../progress-line.ts';
import type { JobView } from './view.ts';

/** Asking the engine costs about 0.1 s of CPU time, for each container. */
const MEMORY_EVERY_MS = 5000;

/** CloudWatch Logs answers 25 calls a second: so many of the running jobs are asked at each look, the page's first ones. */
const MOST_FOLLOWED = 12;

/** Of a backend. */
export interface LiveSources {
  /** The stores have logs while they are written. */
  liveLogs: boolean;
  liveLog?: LiveLogOf;
  memoryOf?: MemoryOf;
}

interface Live {
  attempt: number;
  /** Absent where its log is not to be had, or too many are read already. */
  tail: LogTail | undefined;
  progress: Progress | undefined;
  ref?: string;
}

interface Memory {
  at: number;
  bytes: number | undefined;
}

export class LiveStages {
  readonly #ctx: PipelineContext;
  readonly #liveLogs: boolean;
  readonly #liveLog: LiveLogOf | undefined;
  readonly #memoryOf: MemoryOf | undefined;
  readonly #lives = new Map<string, Live>();
  /** By container: jobs may share one. */
  readonly #memory = new Map<string, Memory>();

  constructor(ctx: PipelineContext, { liveLogs, liveLog, memoryOf }: LiveSources) {
    this.#ctx = ctx;
    this.#liveLogs = liveLogs;
    this.#liveLog = liveLog;
    this.#memoryOf = memoryOf;
  }

  async look(job: Pick<JobView, 'id' | 'task' | 'phase'>, attempt: Attempt): Promise<void> {
    if (job.phase !== 'processing') {
      this.#lives.delete(job.id);
      return;
    }
    const live = this.#liveOf(job, attempt);
    if (live.tail) {
      for await (const line of live.tail.lines()) live.progress = heard(parseLine(line)) ?? live.progress;
    }
    if (live.ref !== undefined) await this.#askMemory(live.ref);
  }

  async #askMemory(ref: string): Promise<void> {
    const now = this.#ctx.clock.now();
    const known = this.#memory.get(ref);
    if (!this.#memoryOf || (known && now - known.at < MEMORY_EVERY_MS)) return;
    const asked: Memory = { at: now, bytes: known?.bytes };
    this.#memory.set(ref, asked);
    asked.bytes = (await this.#memoryOf(ref)) ?? asked.bytes;
  }

  of(id: string): Pick<JobView, 'stage' | 'memoryBytes'> {
    const { progress, ref } = this.#lives.get(id) ?? {};
    const memoryBytes = ref === undefined ? undefined : this.#memory.get(ref)?.bytes;
    const percent = progress && shareOf(progress);
    return {
      ...(progress
        ? { stage: { text: progressText(progress), ...(percent === undefined ? {} : { percent }) } }
        : {}),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  }

  /** Lets go of what no longer runs. */
  forget(running: ReadonlyMap<string, unknown>): void {
    for (const id of this.#lives.keys()) if (!running.has(id)) this.#lives.delete(id);
    const refs = new Set([...this.#lives.values()].map(({ ref }) => ref));
    for (const ref of this.#memory.keys()) if (!refs.has(ref)) this.#memory.delete(ref);
  }

  #liveOf(job: Pick<JobView, 'id' | 'task'>, attempt: Attempt): Live {
    const known = this.#lives.get(job.id);
    if (known?.attempt === attempt.attempt && known.ref === attempt.ref) return known;
    const live: Live = {
      attempt: attempt.attempt,
      tail: this.#tailOf(job, attempt),
      progress: undefined,
      ...(attempt.ref === undefined ? {} : { ref: attempt.ref }),
    };
    this.#lives.set(job.id, live);
    return live;
  }

  #tailOf(job: Pick<JobView, 'id' | 'task'>, attempt: Attempt): LogTail | undefined {
    if (this.#liveLogs) return new LogTail(this.#ctx, job, attempt.attempt);
    const followed = [...this.#lives.values()].filter(({ tail }) => tail !== undefined).length;
    const live = followed < MOST_FOLLOWED ? this.#liveLog?.(job, attempt) : undefined;
    return live && new LogTail(this.#ctx, job, attempt.attempt, live);
  }
}
