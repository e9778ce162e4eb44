/** Logs of running attempts that the stores do not have yet, read as far as they have come and kept while somebody looks. */
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { lastAttempt, type Job } from '../../lib/pipeline/job.ts';
import { LogTail, type LiveLogOf } from '../log-tail.ts';
import { logText } from '../log-text.ts';
import type { LogView } from './view.ts';

/** Lines kept of each, its last ones. */
const MOST_LINES = 2000;
/** Nobody has asked for so long: it is begun anew when somebody does. */
const FORGET_AFTER_MS = 60_000;

interface Followed {
  tail: LogTail;
  lines: string[];
  /** Lines that were there and are kept no longer. */
  dropped: boolean;
  askedAt: number;
  reading: Promise<void>;
}

export class LiveLogs {
  readonly #ctx: PipelineContext;
  readonly #liveLog: LiveLogOf | undefined;
  readonly #followed = new Map<string, Followed>();

  constructor(ctx: PipelineContext, liveLog: LiveLogOf | undefined) {
    this.#ctx = ctx;
    this.#liveLog = liveLog;
  }

  /** The end of the log of its latest attempt; `undefined` when there is no such log to be had. */
  async end(job: Job, lines: number): Promise<LogView | undefined> {
    const followed = this.#follow(job);
    if (!followed) return undefined;
    // One reader at a time: each line is given once.
    followed.reading = followed.reading.catch(() => {}).then(async () => await read(followed));
    await followed.reading;
    const attempt = job.attempts.length;
    return {
      job: job.id,
      attempt,
      attempts: attempt,
      lines: followed.lines.slice(-lines).map(logText),
      cut: followed.dropped || followed.lines.length > lines,
    };
  }

  #follow(job: Job): Followed | undefined {
    const now = this.#ctx.clock.now();
    for (const [key, { askedAt }] of this.#followed)
      if (now - askedAt > FORGET_AFTER_MS) this.#followed.delete(key);
    const last = lastAttempt(job);
    const key = `${job.id}/${last?.attempt}/${last?.ref}`;
    const known = this.#followed.get(key);
    if (known) {
      known.askedAt = now;
      return known;
    }
    const live = last && job.state === 'running' ? this.#liveLog?.(job, last) : undefined;
    if (!last || !live) return undefined;
    const tail = new LogTail(this.#ctx, job, last.attempt, live);
    const followed = { tail, lines: [], dropped: false, askedAt: now, reading: Promise.resolve() };
    this.#followed.set(key, followed);
    return followed;
  }
}

async function read(followed: Followed): Promise<void> {
  for await (const line of followed.tail.lines()) {
    followed.lines.push(line);
    if (followed.lines.length <= MOST_LINES) continue;
    followed.lines.shift();
    followed.dropped = true;
  }
}
