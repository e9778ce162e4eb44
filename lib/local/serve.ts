/**
 * Works on the jobs of a home until it is told to stop: what the Lambdas and their triggers are on AWS. Any number of
 * processes may do so on one home: every step goes through the ledger's compare-and-swap. Killed at any moment, the next one
 * goes on from the ledger: the queues hold nothing that the sweep could not find again.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { dispatch } from '../pipeline/dispatch.ts';
import { handleMessage, handleStep } from '../pipeline/handle.ts';
import { PipelineMessage } from '../pipeline/messages.ts';
import { settle } from '../pipeline/settle.ts';
import { sweep } from '../pipeline/sweep.ts';
import type { TaskState } from '../ports.ts';
import { Bell } from './bell.ts';
import { messageOf } from './errors.ts';
import type { Home } from './home.ts';
import type { MemoryMessage, MemoryQueue } from './memory-queue.ts';
import { enter, isServed } from './presence.ts';
import { UploadMemory } from './upload-memory.ts';
import { watchUploads } from './watch.ts';

export type ServeEvent =
  | { kind: 'accepted'; key: string }
  | { kind: 'launched'; count: number }
  | { kind: 'stopped'; state: TaskState }
  | { kind: 'step'; job: string };

export interface ServeOptions {
  /**
   * Starts only jobs of this run, and leaves dropped files to others: `longshore run`. Where another process serves all of the
   * home, it starts none: whoever knows of all that waits chooses what is next.
   */
  run?: string;
  signal: AbortSignal;
  /** Asked after every change, and every half second: ends it when true. */
  until?: () => Promise<boolean>;
  onEvent?: (event: ServeEvent) => void;
}

const DISPATCH_EVERY_MS = 1000;
const SWEEP_EVERY_MS = 10_000;
const UNTIL_EVERY_MS = 500;
const PAUSE_PER_LOOK = 10;
/** Steps read and hash outputs: two keep a disk busy. */
const STEPS_AT_ONCE = 2;
/** A message that failed comes back after 1 s, 2 s, 4 s … at most a minute. */
const backoffSeconds = (receiveCount: number): number => Math.min(2 ** (receiveCount - 1), 60);

const processesOf = ({ dir }: Home): string => join(dir, 'work', '.processes');

/** Resolves when it has stopped; what was begun is finished first, and containers run on. */
export async function serve(home: Home, options: ServeOptions): Promise<void> {
  const presence = await enter(processesOf(home), options.run);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const server = new Server(home, options, signal);
  const forget = home.runner.onStopped((state) => void server.onStopped(state));
  try {
    // Whatever happens in one loop, the others are stopped and waited for.
    const loops = server.loops(presence.alone).map(async (loop) => {
      try {
        await loop;
      } finally {
        stop.abort();
      }
    });
    const ends = await Promise.allSettled(loops);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    forget();
    await server.settled();
    await presence.leave();
  }
}

class Server {
  readonly #home: Home;
  readonly #options: ServeOptions;
  readonly #signal: AbortSignal;
  readonly #dispatchBell = new Bell();
  readonly #untilBell = new Bell();
  readonly #settling = new Set<Promise<void>>();
  readonly #stepsUnderWay = new Set<string>();

  constructor(home: Home, options: ServeOptions, signal: AbortSignal) {
    this.#home = home;
    this.#options = options;
    this.#signal = signal;
  }

  loops(alone: boolean): Promise<void>[] {
    const { jobs, steps } = this.#home;
    return [
      this.#receive(jobs, 1, async (message) => await this.#handleJob(message)),
      this.#receive(steps, STEPS_AT_ONCE, async (message) => await this.#handleStep(message)),
      this.#dispatchLoop(),
      this.#sweepLoop(alone),
      ...(this.#options.run === undefined ? [this.#watchLoop()] : []),
      ...(this.#options.until ? [this.#untilLoop(this.#options.until)] : []),
    ];
  }

  async onStopped(state: TaskState): Promise<void> {
    const settling = this.#guard('Task:Settle:Failed', { launch: state.launch }, async () => {
      await settle(this.#home.ctx, state);
      this.#changed({ kind: 'stopped', state });
    });
    this.#settling.add(settling);
    await settling;
    this.#settling.delete(settling);
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#settling);
  }

  async #watchLoop(): Promise<void> {
    const { ctx, uploads, dir, settings } = this.#home;
    await watchUploads({
      uploads,
      memory: await UploadMemory.open(join(dir, 'ledger', '.uploads.jsonl')),
      // Straight to the pipeline: what the ledger has not accepted, the folder still has.
      announce: async (message) => {
        await handleMessage(ctx, message);
        this.#changed({ kind: 'accepted', key: message.key });
      },
      log: ctx.log,
      signal: this.#signal,
      ...(settings.quietSeconds === undefined ? {} : { quietMs: settings.quietSeconds * 1000 }),
    });
  }

  async #handleJob({ body }: MemoryMessage): Promise<void> {
    const message = PipelineMessage.parse(JSON.parse(body));
    await handleMessage(this.#home.ctx, message);
    if (message.kind === 'wake') this.#dispatchBell.ring();
    else this.#changed({ kind: 'accepted', key: message.kind === 'upload' ? message.key : message.task });
  }

  async #handleStep({ body }: MemoryMessage): Promise<void> {
    // The sweep sends a step again that takes long; it need not be done twice at a time.
    if (this.#stepsUnderWay.has(body)) return;
    this.#stepsUnderWay.add(body);
    try {
      await handleStep(this.#home.ctx, body);
      this.#changed({ kind: 'step', job: (JSON.parse(body) as { job: string }).job });
    } finally {
      this.#stepsUnderWay.delete(body);
    }
  }

  /** `hands` messages at a time. A message that fails comes back later; the loop goes on. */
  async #receive(
    queue: MemoryQueue,
    hands: number,
    handle: (message: MemoryMessage) => Promise<void>,
  ): Promise<void> {
    const busy = new Set<Promise<void>>();
    while (!this.#signal.aborted) {
      for (const message of await queue.receive({ waitSeconds: 1 })) {
        while (busy.size >= hands) await Promise.race(busy);
        const work = this.#handled(message, handle).finally(() => busy.delete(work));
        busy.add(work);
      }
    }
    await Promise.allSettled(busy);
  }

  async #handled(message: MemoryMessage, handle: (message: MemoryMessage) => Promise<void>): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      await handle(message);
      await message.ack();
    } catch (error) {
      this.#fault('Message:Handle:Failed', { body: message.body.slice(0, 1000) }, error);
      await message.retry(backoffSeconds(message.receiveCount));
    }
  }

  async #dispatchLoop(): Promise<void> {
    const { run } = this.#options;
    while (!this.#signal.aborted) {
      await this.#guard('Jobs:Dispatch:Failed', {}, async () => {
        // The slots that this run's ends free would all be this run's, and a dropped file would wait for the whole of it.
        if (run !== undefined && (await isServed(processesOf(this.#home)))) return;
        const { launched } = await dispatch(this.#home.ctx, run === undefined ? {} : { run });
        if (launched > 0) this.#options.onEvent?.({ kind: 'launched', count: launched });
      });
      await this.#dispatchBell.wait(DISPATCH_EVERY_MS, this.#signal);
    }
  }

  async #sweepLoop(alone: boolean): Promise<void> {
    const bell = new Bell();
    let justStarted = alone;
    while (!this.#signal.aborted) {
      await this.#guard('Jobs:Sweep:Failed', {}, async () => {
        await sweep(this.#home.ctx, { justStarted });
        justStarted = false;
        this.#changed();
      });
      await bell.wait(SWEEP_EVERY_MS, this.#signal);
    }
  }

  /** Its error is the caller's own, and ends everything. */
  async #untilLoop(until: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const begin = performance.now();
      if (this.#signal.aborted || (await until())) return;
      // With thousands of jobs a look takes a while: then it is not worth one for every job that ends.
      const took = performance.now() - begin;
      await new Bell().wait(took * PAUSE_PER_LOOK, this.#signal);
      await this.#untilBell.wait(UNTIL_EVERY_MS, this.#signal);
    }
  }

  #changed(event?: ServeEvent): void {
    if (event) this.#options.onEvent?.(event);
    this.#dispatchBell.ring();
    this.#untilBell.ring();
  }

  async #guard(name: string, fields: Record<string, unknown>, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#fault(name, fields, error);
    }
  }

  #fault(name: string, fields: Record<string, unknown>, error: unknown): void {
    const reason = messageOf(error);
    const stack = error instanceof Error ? { stack: error.stack } : {};
    this.#home.ctx.log.error(name, { ...fields, reason, ...stack });
  }
}
