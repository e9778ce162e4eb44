/** Shows a job while it is waited for: stage, share or bytes, elapsed time, memory. */
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { lastAttempt, type Attempt, type Job } from '../lib/pipeline/job.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import { formatBytes, formatSeconds } from './format.ts';
import { LogTail, type LiveLogOf } from './log-tail.ts';
import { parseLine } from './log-text.ts';
import { heard, progressText, type Progress } from './progress-line.ts';
import type { Output } from './streams.ts';

/** Where no live line is possible: a line at each change of stage, and one so often. */
const NOTE_EVERY_MS = 15_000;
/** Asking the engine costs about 0.1 s of CPU time. */
const MEMORY_EVERY_MS = 2000;

/** Bytes that an attempt's container uses now; `undefined` when it cannot be told. */
export type MemoryOf = (ref: string) => Promise<number | undefined>;

export class JobWatch {
  readonly #ctx: PipelineContext;
  readonly #id: string;
  readonly #out: Output;
  readonly #memoryOf: MemoryOf | undefined;
  readonly #liveLog: LiveLogOf | undefined;
  #tail: { attempt: number; ref: string | undefined; log: LogTail } | undefined;
  #progress: Progress | undefined;
  #memory: { at: number; bytes: number | undefined } = { at: 0, bytes: undefined };
  #noted = { stage: '', at: 0 };

  constructor(
    ctx: PipelineContext,
    id: string,
    out: Output,
    { memoryOf, liveLog }: { memoryOf?: MemoryOf | undefined; liveLog?: LiveLogOf | undefined } = {},
  ) {
    this.#ctx = ctx;
    this.#id = id;
    this.#out = out;
    this.#memoryOf = memoryOf;
    this.#liveLog = liveLog;
  }

  async look(): Promise<void> {
    const job = await readJob(this.#ctx, this.#id);
    if (!job) return;
    const attempt = lastAttempt(job);
    if (attempt && job.state === 'running') await this.#follow(job, attempt);
    this.#show(job);
  }

  async #follow(job: Job, last: Attempt): Promise<void> {
    const { attempt, ref } = last;
    if (this.#tail?.attempt !== attempt || this.#tail.ref !== ref) {
      this.#tail = { attempt, ref, log: new LogTail(this.#ctx, job, attempt, this.#liveLog?.(job, last)) };
      this.#progress = undefined;
    }
    for await (const line of this.#tail.log.lines()) {
      this.#progress = heard(parseLine(line)) ?? this.#progress;
    }
    const now = this.#ctx.clock.now();
    if (ref === undefined || !this.#memoryOf || now - this.#memory.at < MEMORY_EVERY_MS) return;
    this.#memory = { at: now, bytes: await this.#memoryOf(ref) };
  }

  #show(job: Job): void {
    const now = this.#ctx.clock.now();
    const text = jobLine(job, now, this.#progress, this.#memory.bytes);
    if (this.#out.live) return this.#out.status(text);
    const stage = `${job.state} ${job.phase} ${this.#progress?.stage} ${job.attempts.length}`;
    if (stage === this.#noted.stage && now - this.#noted.at < NOTE_EVERY_MS) return;
    this.#noted = { stage, at: now };
    this.#out.note(text);
  }
}

/** `europe/monaco  write 42 %  12.3 s  310 MiB of 1.00 GiB`. */
export function jobLine(
  job: Job,
  now: number,
  progress: Progress | undefined,
  memoryBytes: number | undefined,
): string {
  const attempt = lastAttempt(job);
  const parts = [job.name];
  if (job.state === 'waiting') {
    parts.push(
      job.notBefore === undefined ? 'waiting for room' : `waiting to be tried again: ${attempt?.reason}`,
    );
  } else {
    parts.push(job.phase === 'processing' && progress ? progressText(progress) : (job.phase ?? job.state));
  }
  parts.push(formatSeconds(Math.max(0, now - job.acceptedAt) / 1000));
  if (job.phase === 'processing' && attempt && memoryBytes !== undefined)
    parts.push(`${formatBytes(memoryBytes)} of ${formatBytes(attempt.size.memoryMiB * 1024 ** 2)}`);
  if (job.attempts.length > 1) parts.push(`attempt ${job.attempts.length}`);
  return parts.join('  ');
}
