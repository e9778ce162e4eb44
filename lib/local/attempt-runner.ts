/**
 * A task runner for one machine. What a job runs in, a container or a process of the host, is a {@link ProcessHost}; this
 * file is all around it: stage-in before, stage-out after, finding everything again after `kill -9` ({@link launchFiles}).
 */
import { join } from 'node:path';
import type { AttemptRecord } from '../pipeline/attempt-record.ts';
import type { Launch, LaunchOutcome, Log, ObjectStore, TaskRunner, TaskState } from '../ports.ts';
import { hasFetched } from '../stage/fetch.ts';
import { attemptLayout, type AttemptLayout } from '../stage/layout.ts';
import { stageIn, StageInError } from '../stage/stage-in.ts';
import { stageOut } from '../stage/stage-out.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { awakeNow, timeOfMoment } from './awake.ts';
import { removeTree, writeFileDurably } from './durable.ts';
import { messageOf } from './errors.ts';
import { launchFiles, type LaunchFiles, type Started } from './launch-files.ts';
import type { HostKind, ProcessHost, ReadyMember, Seen } from './process-host.ts';
import { attemptDir, launchDir, parseRef, refOf } from './refs.ts';
import { lackOfSecrets } from './secrets.ts';

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

type Listener = (state: TaskState) => void;

export class AttemptRunner implements TaskRunner {
  readonly #options: AttemptRunnerOptions;
  readonly #files: LaunchFiles;
  readonly #listeners = new Set<Listener>();
  readonly #launching = new Map<string, Promise<LaunchOutcome>>();
  readonly #ending = new Map<string, Promise<TaskState>>();
  readonly #watched = new Set<string>();
  readonly #closing = new AbortController();

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
    this.#files = launchFiles(options);
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
    const launching = this.#told(ref, launch).finally(() => this.#launching.delete(ref));
    this.#launching.set(ref, launching);
    return await launching;
  }

  async describe(refs: string[]): Promise<TaskState[]> {
    const states: TaskState[] = [];
    const open = new Map<HostKind | undefined, { ref: string; started: Started }[]>();
    for (const ref of refs) {
      await this.#orRunning(ref, states, async () => {
        const end = await this.#files.read(ref, 'end');
        const started = end ? undefined : await this.#files.read(ref, 'started');
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
    const started = await this.#files.read(ref, 'started');
    if (started?.host === undefined || (await this.#files.read(ref, 'end'))) return;
    if (!(await this.#files.read(ref, 'stop')))
      await this.#files.write(ref, 'stop', { at: Date.now(), reason });
    await this.#options.hostOf(started.host).stop(ref);
  }

  async skip(ref: string, member: { job: string; attempt: number }): Promise<void> {
    const started = await this.#files.read(ref, 'started');
    if (!started?.members.some(({ job, attempt }) => job === member.job && attempt === member.attempt))
      return;
    await writeFileDurably(join(this.#layout(member).control, 'skip'), '');
  }

  /** Outputs stay: they are staged objects, which the pipeline removes by itself. So do the logs and the records. */
  async clean(ref: string): Promise<void> {
    const started = await this.#files.read(ref, 'started');
    // Each member of a pack asks for it.
    if (!started || (await this.#files.read(ref, 'cleaned'))) return;
    if (started.host !== undefined) await this.#options.hostOf(started.host).remove(ref);
    const folders = started.members.map((member) => this.#layout(member));
    // The scripts too: 8 kB for each attempt of each job that there ever was.
    for (const { input, tmp, runScript, fetch } of [...folders, attemptLayout(this.#dir(ref))]) {
      for (const path of [input, tmp, runScript, fetch.control]) await removeTree(path);
    }
    await this.#files.write(ref, 'cleaned', { at: Date.now() });
  }

  /** Here a launch is put off only when something is wrong with the machine. */
  async #told(ref: string, launch: Launch): Promise<LaunchOutcome> {
    const outcome = await this.#launch(ref, launch);
    if (outcome.outcome === 'wait')
      this.#options.log.warn('Task:Start:Failed', {
        task: launch.task,
        reason: `${outcome.reason}; it is tried again`,
      });
    return outcome;
  }

  async #launch(ref: string, launch: Launch): Promise<LaunchOutcome> {
    const { tasks, cache } = this.#options;
    const task = tasks.get(launch.task);
    if (!task) return { outcome: 'refused', reason: `There is no task "${launch.task}"` };
    if (await this.#files.read(ref, 'started')) {
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
      await this.#files.write(ref, 'started', { at: Date.now(), members, failed });
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
    await this.#files.write(ref, 'started', {
      at: Date.now(),
      awake: await awakeNow(),
      members,
      host: host.kind,
      ...(imageDigest === undefined ? {} : { imageDigest }),
    });
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
    const stop = await this.#files.read(ref, 'stop');
    const state: TaskState = {
      ...this.#identity(ref),
      status: 'stopped',
      stoppedAt: Date.now(),
      stopCode: stop ? 'UserInitiated' : 'EssentialContainerExited',
      ...endOf(seen, started),
      ...toldBy(records),
    };
    if (stop) state.reason = `Stopped: ${stop.reason}`;
    await this.#files.write(ref, 'end', state);
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
    const started = await this.#files.read(ref, 'started');
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
