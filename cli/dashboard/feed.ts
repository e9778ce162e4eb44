/** One watched run and all who look at it: looks while somebody does, and tells each what has changed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunWatch } from './run-watch.ts';
import type { Changes, RunView } from './view.ts';

/** A look never takes more than this share of the time: a slow store is not pressed. */
const SHARE = 0.2;
/** A run in which nothing is left to do is looked at so much more seldom. */
const DONE_FACTOR = 5;

export interface Listener {
  /** Everything, first. */
  view(view: RunView): void;
  changes(changes: Changes): void;
  /** A look failed: a sentence. It is tried again. */
  trouble(message: string): void;
}

export class RunFeed {
  readonly #watch: RunWatch;
  readonly #everyMs: number;
  readonly #listeners = new Set<Listener>();
  #first: Promise<void> | undefined;
  #loop: { wake: AbortController; ended: Promise<void> } | undefined;
  #looking: Promise<void> | undefined;

  constructor(watch: RunWatch, everyMs: number) {
    this.#watch = watch;
    this.#everyMs = everyMs;
  }

  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  /** One look now; `undefined` when there is no such run. */
  async view(): Promise<RunView | undefined> {
    await this.#look();
    return this.#watch.exists ? this.#watch.view() : undefined;
  }

  /** Tells the listener everything, then each change, until the function given back is called. */
  async listen(listener: Listener): Promise<() => void> {
    // The first look's failure is the first listener's answer; later ones are told as troubles.
    this.#first ??= this.#look();
    try {
      await this.#first;
    } catch (error) {
      this.#first = undefined;
      throw error;
    }
    listener.view(this.#watch.view());
    this.#listeners.add(listener);
    this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** Looks at once: something was changed from the page. */
  async now(): Promise<void> {
    await this.#look();
    this.#tell();
  }

  async close(): Promise<void> {
    const ended = this.#loop?.ended;
    this.#stop();
    await ended;
  }

  /** Never two at once: they would read the same records. */
  async #look(): Promise<void> {
    await this.#looking?.catch(() => {});
    const looking = this.#watch.look();
    this.#looking = looking;
    try {
      await looking;
    } finally {
      if (this.#looking === looking) this.#looking = undefined;
    }
  }

  #tell(): void {
    const changes = this.#watch.changes();
    for (const listener of this.#listeners) listener.changes(changes);
  }

  #start(): void {
    if (this.#loop) return;
    const wake = new AbortController();
    this.#loop = { wake, ended: this.#run(wake.signal) };
  }

  #stop(): void {
    this.#loop?.wake.abort();
    this.#loop = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const started = performance.now();
      await this.#turn(signal);
      const took = performance.now() - started;
      const every = this.#watch.isDone ? this.#everyMs * DONE_FACTOR : this.#everyMs;
      // Cut short at the end, which is no error.
      await sleep(Math.max(every, took / SHARE), undefined, { signal }).catch(() => {});
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    try {
      await this.#look();
      this.#tell();
      while (this.#watch.unread > 0 && !signal.aborted) {
        await this.#watch.readMore();
        this.#tell();
      }
    } catch (error) {
      for (const listener of this.#listeners) listener.trouble((error as Error).message);
    }
  }
}
