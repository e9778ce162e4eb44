/**
 * A task runner for one machine. What a job runs in, a container or a process of the host, is a {@link ProcessHost}; this
 * file is all around it: stage-in before, stage-out after, finding everything again after `kill -9`.
 *
 * What is known of a launch stands in `work/<job>/<attempt>/runner/`, or `work/.packs/<pack>/runner/` where several jobs share
 * it (not visible to them): `started.json` once it was started, `stop.json` when someone asked it to stop, `end.json` when all
 * is over and the attempt records are written, `cleaned.json` when only they are left.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { AttemptRecord } from '../pipeline/attempt-record.ts';
import type {
  Launch,
  LaunchMember,
  LaunchOutcome,
  Log,
  ObjectStore,
  TaskRunner,
  TaskState,
} from '../ports.ts';
import { hasFetched } from '../stage/fetch.ts';
import { attemptLayout, type AttemptLayout } from '../stage/layout.ts';
import { stageIn, StageInError } from '../stage/stage-in.ts';
import { stageOut } from '../stage/stage-out.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { Awake, awakeNow, timeOfMoment } from './awake.ts';
import { removeTree, writeFileDurably } from './durable.ts';
import { hasCode, messageOf } from './errors.ts';
import { attemptDir, launchDir, parseRef, refOf } from './refs.ts';
import { lackOfSecrets } from './secrets.ts';

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

/** A member whose inputs are there. */
export interface ReadyMember {
  member: LaunchMember;
  layout: AttemptLayout;
}

export interface StartRequest {
  ref: string;
  launch: Launch;
  task: TaskDefinition;
  /** The launch's own folder: of a job alone the attempt's, else the pack's. */
  dir: string;
  /** At least one. */
  members: ReadyMember[];
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
  /** The same moment, whatever is done to the clock after it. */
  awake: Awake.exactOptional(),
  members: z.array(z.object({ job: z.string(), attempt: z.int() })),
  host: z.enum(['docker', 'podman', 'host']).exactOptional(),
  imageDigest: z.string().exactOptional(),
  /** Stage-in failed for all members, and nothing was started. */
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
    const ref = refOf(this.#options.homeId, launch.id);
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
      await this.#orRunning(ref, states, async () => {
        const end = await this.#read(ref, 'end', End);
        const started = end ? undefined : await this.#read(ref, 'started', Started);
        // Neither: another home's, or its folder was removed.
        if (started) open.set(started.host, [...(open.get(started.host) ?? []), { ref, started }]);
        return end;
      });
    }
    for (const [kind, launches] of open) {
      const seen = kind && (await this.#options.hostOf(kind).look(launches.map(({ ref }) => ref)));
      for (const { ref, started } of launches) {
        await this.#orRunning(ref, states, async () =>
          this.#stateOf(ref, started, seen?.get(ref) ?? { state: 'missing' }),
        );
      }
    }
    return states;
  }

  /**
   * One of which nothing can be told (a broken file, a disk that is full) keeps nobody from knowing of the others. It counts as
   * running: it must not be tried again beside itself.
   */
  async #orRunning(
    ref: string,
    states: TaskState[],
    look: () => Promise<TaskState | undefined>,
  ): Promise<void> {
    try {
      const state = await look();
      if (state) states.push(state);
    } catch (error) {
      this.#options.log.error('Task:Look:Failed', { ref, reason: messageOf(error) });
      states.push({ ...this.#identity(ref), status: 'running' });
    }
  }

  async stop(ref: string, reason: string): Promise<void> {
    const started = await this.#read(ref, 'started', Started);
    if (started?.host === undefined || (await this.#read(ref, 'end', End))) return;
    if (!(await this.#read(ref, 'stop', Stop))) await this.#write(ref, 'stop', { at: Date.now(), reason });
    await this.#options.hostOf(started.host).stop(ref);
  }

  async skip(ref: string, member: { job: string; attempt: number }): Promise<void> {
    const started = await this.#read(ref, 'started', Started);
    if (!started?.members.some(({ job, attempt }) => job === member.job && attempt === member.attempt))
      return;
    await writeFileDurably(join(this.#layout(member).control, 'skip'), '');
  }

  /** Outputs stay: they are staged objects, which the pipeline removes by itself. So do the logs and the records. */
  async clean(ref: string): Promise<void> {
    const started = await this.#read(ref, 'started', Started);
    // Each member of a pack asks for it.
    if (!started || (await this.#read(ref, 'cleaned', z.unknown()))) return;
    if (started.host !== undefined) await this.#options.hostOf(started.host).remove(ref);
    const folders = started.members.map((member) => this.#layout(member));
    // The scripts too: 8 kB for each attempt of each job that there ever was.
    for (const { input, tmp, runScript, fetch } of [...folders, attemptLayout(this.#dir(ref))]) {
      for (const path of [input, tmp, runScript, fetch.control]) await removeTree(path);
    }
    await this.#write(ref, 'cleaned', { at: Date.now() });
  }

  async #launch(ref: string, launch: Launch): Promise<LaunchOutcome> {
    const { tasks, cache } = this.#options;
    const task = tasks.get(launch.task);
    if (!task) return { outcome: 'refused', reason: `There is no task "${launch.task}"` };
    if (await this.#read(ref, 'started', Started)) {
      this.#watch(ref);
      return { outcome: 'started', ref };
    }
    const lacking = lackOfSecrets(task);
    if (lacking !== undefined) return { outcome: 'refused', reason: lacking };
    const host = await this.#options.host();
    const hindrance = await host.ready(task);
    if (hindrance) return hindrance;
    const members = launch.members.map(({ job, attempt }) => ({ job, attempt }));
    const { ready, failed } = await this.#stageIn(launch, host.kind);
    if (failed !== undefined && ready.length === 0) {
      // An attempt that ended before it began: told like any other end.
      await this.#write(ref, 'started', { at: Date.now(), members, failed } satisfies Started);
      this.#watch(ref);
      return { outcome: 'started', ref };
    }
    const dir = this.#dir(ref);
    const started = await host.start({
      ref,
      launch,
      task,
      dir,
      members: ready,
      cache: join(cache, launch.task),
    });
    if (started.outcome !== 'started') return started;
    const { imageDigest } = started;
    await this.#write(ref, 'started', {
      at: Date.now(),
      awake: await awakeNow(),
      members,
      host: host.kind,
      ...(imageDigest === undefined ? {} : { imageDigest }),
    } satisfies Started);
    this.#watch(ref);
    return { outcome: 'started', ref };
  }

  /** The members whose inputs are there. What is wrong with another's is written down for its own stage-out. */
  async #stageIn({ members }: Launch, kind: HostKind): Promise<{ ready: ReadyMember[]; failed?: string }> {
    const ready: ReadyMember[] = [];
    let failed: string | undefined;
    for (const member of members) {
      const layout = this.#layout(member);
      try {
        const { inputs, fetch } = member;
        await stageIn({
          inputs,
          uploads: this.#options.uploads,
          dir: layout.dir,
          // Without a container the command fetches by itself.
          ...(fetch && kind !== 'host' ? { fetch } : {}),
        });
        ready.push({ member, layout });
      } catch (error) {
        if (!(error instanceof StageInError)) throw error;
        failed ??= error.message;
      }
    }
    return { ready, ...(failed === undefined ? {} : { failed }) };
  }

  async #stateOf(ref: string, started: Started, seen: Seen): Promise<TaskState> {
    if (seen.state !== 'running') return await this.#end(ref, seen, started);
    this.#watch(ref);
    const since = started.awake && (await timeOfMoment(started.awake));
    const startedAt = since ?? seen.startedAt ?? started.at;
    const [member, ...others] = started.members;
    const fetched = member && others.length === 0 && (await hasFetched(this.#layout(member)));
    return {
      ...this.#identity(ref),
      status: 'running',
      startedAt,
      ...(fetched ? { fetched } : {}),
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
    const records: AttemptRecord[] = [];
    for (const { job, attempt } of started.members) {
      records.push(
        await stageOut({
          dir: this.#layout({ job, attempt }).dir,
          staging: this.#options.staging,
          job,
          attempt,
          ...(started.imageDigest === undefined ? {} : { imageDigest: started.imageDigest }),
        }),
      );
    }
    const stop = await this.#read(ref, 'stop', Stop);
    const state: TaskState = {
      ...this.#identity(ref),
      status: 'stopped',
      stoppedAt: Date.now(),
      stopCode: stop ? 'UserInitiated' : 'EssentialContainerExited',
      ...endOf(seen, started),
      ...toldBy(records),
    };
    if (stop) state.reason = `Stopped: ${stop.reason}`;
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

  #identity(ref: string): { ref: string; launch: string } {
    const launch = parseRef(this.#options.homeId, ref);
    if (launch === undefined) throw new Error(`"${ref}" is not a task of this home`);
    return { ref, launch };
  }

  #dir(ref: string): string {
    return launchDir(this.#options.work, this.#identity(ref).launch);
  }

  #layout(member: { job: string; attempt: number }): AttemptLayout {
    return attemptLayout(attemptDir(this.#options.work, member));
  }

  /** `undefined` for a ref of another home. */
  #file(ref: string, name: string): string | undefined {
    const { homeId, work } = this.#options;
    const launch = parseRef(homeId, ref);
    return launch === undefined ? undefined : join(launchDir(work, launch), 'runner', `${name}.json`);
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

/** What the runner script says is nearer to the command than what the host saw. */
function toldBy(records: AttemptRecord[]): Partial<TaskState> {
  const exits = records.map(({ exit }) => exit).filter((exit) => exit !== undefined);
  const [exit] = exits;
  if (!exit) return {};
  if (records.length === 1) {
    return { startedAt: exit.startedAt, stoppedAt: exit.endedAt, exitCode: exit.exitCode };
  }
  // Of several, the whole: from the first one's turn. When it stopped, only the host can say: the last may have had no end.
  return { startedAt: Math.min(...exits.map(({ startedAt }) => startedAt)) };
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
