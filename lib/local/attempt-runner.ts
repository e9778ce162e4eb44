/**
 * A task runner for one machine. What a job runs in, a container or a process of the host, is a {@link ProcessHost}; this
 * file is all around it: stage-in before, stage-out after, finding everything again after `kill -9`.
 *
 * What is known of an attempt stands in `work/<job>/<attempt>/runner/` (not visible to the job): `started.json` once
 * it was started, `stop.json` when someone asked it to stop, `end.json` when all is over and the attempt record written.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Launch, LaunchOutcome, Log, ObjectStore, TaskRunner, TaskState } from '../ports.ts';
import { attemptLayout, type AttemptLayout } from '../stage/layout.ts';
import { stageIn, StageInError } from '../stage/stage-in.ts';
import { stageOut } from '../stage/stage-out.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { writeFileDurably } from './durable.ts';
import { hasCode, messageOf } from './errors.ts';
import { attemptDir, parseRef, refOf, type AttemptName } from './refs.ts';

/** What a host knows of one of its processes. Times are milliseconds since the epoch. */
export type Seen =
  | { state: 'running'; startedAt?: number }
  | {
      state: 'stopped';
      startedAt?: number;
      stoppedAt?: number;
      exitCode?: number;
      outOfMemory?: boolean;
      /** Said when the runner script could not say how the command ended. */
      reason?: string;
    }
  | { state: 'missing' };

export interface StartRequest {
  ref: string;
  launch: Launch;
  task: TaskDefinition;
  layout: AttemptLayout;
  /** Outlives the job, shared by jobs of one task. */
  cache: string;
}

export type StartOutcome =
  | { outcome: 'started'; imageDigest?: string }
  | Exclude<LaunchOutcome, { outcome: 'started' }>;

export type HostKind = 'docker' | 'podman' | 'host';

/** Where processes live: an engine, or this machine itself. They outlive us, and are known by their ref. */
export interface ProcessHost {
  kind: HostKind;
  /** Whether a job of this task could start: looked at before its inputs are brought. `undefined`: yes. */
  ready(task: TaskDefinition): Promise<Exclude<LaunchOutcome, { outcome: 'started' }> | undefined>;
  /** Idempotent by ref. */
  start(request: StartRequest): Promise<StartOutcome>;
  look(refs: string[]): Promise<Map<string, Seen>>;
  /** Until it has ended, or the signal. */
  wait(ref: string, signal: AbortSignal): Promise<void>;
  /** SIGTERM, then SIGKILL after the stop timeout; does not wait for the end. */
  stop(ref: string): Promise<void>;
  /** No error when it is gone. */
  remove(ref: string): Promise<void>;
}

export interface AttemptRunnerOptions {
  /** Names this home's containers among those of other homes on this machine. */
  homeId: string;
  /** Attempt folders: `<job>/<attempt>`; the root of the staging store. */
  work: string;
  /** One folder per task. */
  cache: string;
  uploads: ObjectStore;
  staging: ObjectStore;
  tasks: ReadonlyMap<string, TaskDefinition>;
  /** The host for new launches. Asked for when the first is made: looking for an engine takes a while. */
  host: () => Promise<ProcessHost>;
  /** The host of launches made earlier: an engine that is down for now still has its containers. */
  hostOf: (kind: HostKind) => ProcessHost;
  log: Log;
}

const Started = z.object({
  at: z.number(),
  host: z.enum(['docker', 'podman', 'host']).exactOptional(),
  imageDigest: z.string().exactOptional(),
  /** Stage-in failed, and nothing was started. */
  failed: z.string().exactOptional(),
});
type Started = z.infer<typeof Started>;
const Stop = z.object({ at: z.number(), reason: z.string() });
const End = z.custom<TaskState>((value) => typeof value === 'object' && value !== null && 'ref' in value);

type Listener = (state: TaskState) => void;

export class AttemptRunner implements TaskRunner {
  readonly #options: AttemptRunnerOptions;
  readonly #listeners = new Set<Listener>();
  readonly #launching = new Map<string, Promise<LaunchOutcome>>();
  readonly #ending = new Map<string, Promise<TaskState>>();
  readonly #watched = new Set<string>();
  readonly #closing = new AbortController();

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
  }

  /** Tells of each end that happens while we look. Returns the way to stop listening. */
  onStopped(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops looking; what runs goes on running. */
  close(): void {
    this.#closing.abort();
  }

  async launch(launch: Launch): Promise<LaunchOutcome> {
    const ref = refOf(this.#options.homeId, launch);
    const known = this.#launching.get(ref);
    if (known) return await known;
    const launching = this.#launch(ref, launch).finally(() => this.#launching.delete(ref));
    this.#launching.set(ref, launching);
    return await launching;
  }

  async describe(refs: string[]): Promise<TaskState[]> {
    const states: TaskState[] = [];
    const open = new Map<HostKind | undefined, { ref: string; started: Started }[]>();
    for (const ref of refs) {
      const end = await this.#read(ref, 'end', End);
      const started = end ? undefined : await this.#read(ref, 'started', Started);
      if (end) states.push(end);
      // Neither: another home's, or its folder was removed.
      else if (started) open.set(started.host, [...(open.get(started.host) ?? []), { ref, started }]);
    }
    for (const [kind, launches] of open) {
      const seen = kind && (await this.#options.hostOf(kind).look(launches.map(({ ref }) => ref)));
      for (const { ref, started } of launches) {
        states.push(await this.#stateOf(ref, started, seen?.get(ref) ?? { state: 'missing' }));
      }
    }
    return states;
  }

  async stop(ref: string, reason: string): Promise<void> {
    const started = await this.#read(ref, 'started', Started);
    if (started?.host === undefined || (await this.#read(ref, 'end', End))) return;
    if (!(await this.#read(ref, 'stop', Stop))) await this.#write(ref, 'stop', { at: Date.now(), reason });
    await this.#options.hostOf(started.host).stop(ref);
  }

  /** Outputs stay: they are staged objects, which the pipeline removes by itself. So do the log and the records. */
  async clean(ref: string): Promise<void> {
    const known = this.#parse(ref);
    if (!known) return;
    const started = await this.#read(ref, 'started', Started);
    if (started?.host !== undefined) await this.#options.hostOf(started.host).remove(ref);
    const { input, tmp } = known.layout;
    for (const folder of [input, tmp]) await rm(folder, { recursive: true, force: true });
  }

  async #launch(ref: string, launch: Launch): Promise<LaunchOutcome> {
    const { tasks, uploads, cache } = this.#options;
    const known = this.#parse(ref);
    const task = tasks.get(launch.task);
    if (!known || !task) {
      const what = known ? `There is no task "${launch.task}"` : `"${launch.job}" cannot be a job’s name`;
      return { outcome: 'refused', reason: what };
    }
    if (await this.#read(ref, 'started', Started)) {
      this.#watch(ref);
      return { outcome: 'started', ref };
    }
    const host = await this.#options.host();
    const hindrance = await host.ready(task);
    if (hindrance) return hindrance;
    try {
      await stageIn({ inputs: launch.inputs, uploads, dir: known.layout.dir });
    } catch (error) {
      if (!(error instanceof StageInError)) throw error;
      // An attempt that ended before it began: told like any other end.
      await this.#write(ref, 'started', { at: Date.now(), failed: error.message } satisfies Started);
      this.#watch(ref);
      return { outcome: 'started', ref };
    }
    const started = await host.start({
      ref,
      launch,
      task,
      layout: known.layout,
      cache: join(cache, launch.task),
    });
    if (started.outcome !== 'started') return started;
    const { imageDigest } = started;
    await this.#write(ref, 'started', {
      at: Date.now(),
      host: host.kind,
      ...(imageDigest === undefined ? {} : { imageDigest }),
    } satisfies Started);
    this.#watch(ref);
    return { outcome: 'started', ref };
  }

  async #stateOf(ref: string, started: Started, seen: Seen): Promise<TaskState> {
    if (seen.state !== 'running') return await this.#end(ref, seen, started);
    this.#watch(ref);
    const startedAt = seen.startedAt ?? started.at;
    return {
      ...this.#identity(ref),
      status: 'running',
      startedAt,
    };
  }

  /** Once at a time for each: stage-out, then the state that is told from now on. Idempotent, also between processes. */
  async #end(ref: string, seen: Seen, started: Started): Promise<TaskState> {
    const known = this.#ending.get(ref);
    if (known) return await known;
    const ending = this.#writeEnd(ref, seen, started).finally(() => this.#ending.delete(ref));
    this.#ending.set(ref, ending);
    return await ending;
  }

  async #writeEnd(ref: string, seen: Seen, started: Started): Promise<TaskState> {
    const { staging, work } = this.#options;
    const { job, attempt } = this.#identity(ref);
    const dir = attemptDir(work, { job, attempt });
    const record = await stageOut({
      dir,
      staging,
      job,
      attempt,
      ...(started.imageDigest === undefined ? {} : { imageDigest: started.imageDigest }),
    });
    const stop = await this.#read(ref, 'stop', Stop);
    const state: TaskState = {
      ...this.#identity(ref),
      status: 'stopped',
      stoppedAt: Date.now(),
      stopCode: stop ? 'UserInitiated' : 'EssentialContainerExited',
      ...endOf(seen, started),
    };
    if (stop) state.reason = `Stopped: ${stop.reason}`;
    if (record.exit) {
      state.startedAt = record.exit.startedAt;
      state.stoppedAt = record.exit.endedAt;
      state.exitCode = record.exit.exitCode;
    }
    await this.#write(ref, 'end', state);
    return state;
  }

  /** Waits for the end, and tells it. What goes wrong here is found again by the sweep, through `describe`. */
  #watch(ref: string): void {
    const { signal } = this.#closing;
    if (this.#watched.has(ref) || signal.aborted) return;
    this.#watched.add(ref);
    void this.#tellEnd(ref, signal)
      .catch((error: unknown) => {
        this.#options.log.warn('Task:Wait:Failed', { ref, reason: messageOf(error) });
      })
      .finally(() => this.#watched.delete(ref));
  }

  async #tellEnd(ref: string, signal: AbortSignal): Promise<void> {
    const started = await this.#read(ref, 'started', Started);
    if (started?.host !== undefined) await this.#options.hostOf(started.host).wait(ref, signal);
    if (signal.aborted) return;
    const [state] = await this.describe([ref]);
    if (state?.status !== 'stopped') return;
    for (const listener of this.#listeners) listener(state);
  }

  #identity(ref: string): { ref: string } & AttemptName {
    const name = parseRef(this.#options.homeId, ref);
    if (!name) throw new Error(`"${ref}" is not a task of this home`);
    return { ref, ...name };
  }

  #parse(ref: string): { layout: AttemptLayout } | undefined {
    const name = parseRef(this.#options.homeId, ref);
    return name && { layout: attemptLayout(attemptDir(this.#options.work, name)) };
  }

  #file(ref: string, name: string): string | undefined {
    const known = this.#parse(ref);
    return known && join(known.layout.dir, 'runner', `${name}.json`);
  }

  async #read<T>(ref: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const path = this.#file(ref, name);
    if (path === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw new Error(`${path} cannot be understood: ${messageOf(error)}`, { cause: error });
    }
  }

  async #write(ref: string, name: string, value: unknown): Promise<void> {
    const path = this.#file(ref, name);
    if (path !== undefined) await writeFileDurably(path, `${JSON.stringify(value)}\n`);
  }
}

function endOf(seen: Seen, started: Started): Partial<TaskState> {
  if (started.failed !== undefined) return { reason: started.failed, stoppedAt: started.at };
  if (seen.state === 'missing') {
    return {
      startedAt: started.at,
      reason: 'It was removed from outside while it was running',
    };
  }
  if (seen.state === 'running') return {};
  const { state: _, ...told } = seen;
  return { startedAt: started.at, ...told };
}
