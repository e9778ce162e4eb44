/** The live line while many jobs run: the counts, and one of the running jobs after another. */
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { status, type Status } from '../lib/pipeline/status.ts';
import { JobWatch, type MemoryOf } from './job-watch.ts';
import type { Output } from './streams.ts';

/** How long each running job is shown before the next one has its turn. */
const TURN_MS = 3000;

export class RunningWatch {
  readonly #ctx: PipelineContext;
  readonly #out: Output;
  readonly #memoryOf: MemoryOf | undefined;
  readonly #watches = new Map<string, JobWatch>();

  constructor(ctx: PipelineContext, out: Output, memoryOf?: MemoryOf) {
    this.#ctx = ctx;
    this.#out = out;
    this.#memoryOf = memoryOf;
  }

  async look(): Promise<void> {
    const found = await status(this.#ctx);
    const { running } = found;
    const at = Math.floor(this.#ctx.clock.now() / TURN_MS) % Math.max(1, running.length);
    const job = running[at]?.job;
    if (job === undefined) return this.#out.status(countsText(found));
    const shown = {
      ...this.#out,
      status: (text?: string) => this.#out.status(`${countsText(found)}: ${text ?? ''}`),
    };
    for (const known of this.#watches.keys())
      if (!running.some((one) => one.job === known)) this.#watches.delete(known);
    const watch = this.#watches.get(job) ?? new JobWatch(this.#ctx, job, shown, { memoryOf: this.#memoryOf });
    this.#watches.set(job, watch);
    await watch.look();
  }
}

/** `1 waiting, 2 running, 5 published`. */
export function countsText({ jobs }: Pick<Status, 'jobs'>): string {
  return Object.entries(jobs)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}
