/** The runs that there are, the newest first. */
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import type { RunEntry } from './view.ts';

/** Markers of one run that are counted: five pages of a listing of S3. Larger runs are counted when they are opened. */
const COUNT_AT_MOST = 5000;

/** Finds when each run began, once: that does not change. */
export class RunIndex {
  readonly #ctx: PipelineContext;
  readonly #startedAt = new Map<string, number>();

  constructor(ctx: PipelineContext) {
    this.#ctx = ctx;
  }

  async list(): Promise<RunEntry[]> {
    const found: { entry: RunEntry; first: string }[] = [];
    let after: string | undefined;
    for (;;) {
      const next = await this.#count(after);
      if (!next) break;
      found.push(next);
      // "0" is the character after "/": past all of this run's markers, and before the next run's.
      after = `${keys.runs}${next.entry.run}0`;
    }
    const entries = await mapLimit(found, 16, async ({ entry, first }) => {
      const startedAt = await this.#started(entry.run, first);
      return startedAt === undefined ? entry : { ...entry, startedAt };
    });
    return entries.sort((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0) || (a.run < b.run ? 1 : -1));
  }

  /** The first run whose markers come after this key. */
  async #count(after: string | undefined): Promise<{ entry: RunEntry; first: string } | undefined> {
    let entry: RunEntry | undefined;
    let first = '';
    let counted = 0;
    const ended = new Set<string>();
    for await (const key of this.#ctx.records.list(keys.runs, after === undefined ? {} : { after })) {
      const [, run = '', state, job = ''] = key.split('/');
      entry ??= { run, jobs: 0, ended: 0, failed: 0, more: false };
      if (first === '') first = job;
      if (run !== entry.run) break;
      counted += 1;
      if (counted > COUNT_AT_MOST) {
        entry.more = true;
        break;
      }
      if (state === 'accepted') entry.jobs += 1;
      else ended.add(job);
      if (state === 'failed' || state === 'quarantined') entry.failed += 1;
    }
    if (!entry) return undefined;
    return { entry: { ...entry, ended: ended.size }, first };
  }

  async #started(run: string, job: string): Promise<number | undefined> {
    const known = this.#startedAt.get(run);
    if (known !== undefined) return known;
    const at = (await readJob(this.#ctx, job))?.acceptedAt;
    if (at !== undefined) this.#startedAt.set(run, at);
    return at;
  }
}
