/** The log of a job's attempt, read as it grows. */
import { buffer } from 'node:stream/consumers';
import { StringDecoder } from 'node:string_decoder';
import { stagingKeys } from '../lib/pipeline/attempt-record.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import type { Attempt, Job } from '../lib/pipeline/job.ts';
import { quarantineKeys } from '../lib/pipeline/keys.ts';
import type { ObjectStore } from '../lib/ports.ts';

/** Read at most so much in one go: a log may be large, and is not to be held whole. */
const CHUNK = 1 << 20;

/** What a container has printed, where that is not to be had from the stores before it ends (Fargate). */
export interface LiveLog {
  /** Those that came since the last call. */
  lines(): AsyncIterable<string>;
}

/** `undefined`: the attempt has no container (yet). */
export type LiveLogOf = (job: Pick<Job, 'task'>, attempt: Pick<Attempt, 'ref'>) => LiveLog | undefined;

export class LogTail {
  readonly #ctx: Pick<PipelineContext, 'stores'>;
  readonly #job: Pick<Job, 'id' | 'task'>;
  readonly #attempt: number;
  readonly #live: LiveLog | undefined;
  #offset = 0;
  /** A chunk may end in the middle of a character. */
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  /** Lines that the live log has told: the kept one begins with the same. */
  #told = 0;

  constructor(
    ctx: Pick<PipelineContext, 'stores'>,
    job: Pick<Job, 'id' | 'task'>,
    attempt: number,
    live?: LiveLog,
  ) {
    this.#ctx = ctx;
    this.#job = job;
    this.#attempt = attempt;
    this.#live = live;
  }

  /** Whole lines that came since the last call; none when there is no log (yet). */
  async *lines(): AsyncGenerator<string> {
    const found = await findLog(this.#ctx, this.#job, this.#attempt);
    if (found) yield* this.#kept(found);
    else if (this.#live) {
      for await (const line of this.#live.lines()) {
        this.#told += 1;
        yield line;
      }
    }
  }

  async *#kept(found: FoundLog): AsyncGenerator<string> {
    while (this.#offset < found.bytes) {
      const end = Math.min(found.bytes, this.#offset + CHUNK) - 1;
      const chunk = this.#decoder.write(
        await buffer(await found.store.get(found.key, { start: this.#offset, end })),
      );
      this.#offset = end + 1;
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      const told = Math.min(this.#told, lines.length);
      this.#told -= told;
      yield* lines.slice(told);
    }
  }
}

interface FoundLog {
  store: ObjectStore;
  key: string;
  bytes: number;
}

/** Where it is kept: with the attempt, and with what was set aside of a job that failed. */
export async function findLog(
  { stores: { staging, quarantine } }: Pick<PipelineContext, 'stores'>,
  job: Pick<Job, 'id' | 'task'>,
  attempt: number,
): Promise<FoundLog | undefined> {
  const places = [
    { store: staging, key: stagingKeys.log(job.id, attempt) },
    { store: quarantine, key: quarantineKeys.log(job, attempt) },
  ];
  for (const place of places) {
    const info = await place.store.head(place.key);
    if (info) return { ...place, bytes: info.bytes };
  }
  return undefined;
}
