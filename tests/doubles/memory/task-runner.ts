import { createHash } from 'node:crypto';
import { stagingKeys, type AttemptRecord, type Report } from '../../../lib/pipeline/attempt-record.ts';
import type {
  Clock,
  Launch,
  LaunchMember,
  LaunchOutcome,
  ObjectStore,
  StopCode,
  TaskRunner,
  TaskState,
} from '../../../lib/ports.ts';

/** What a scripted container does for one of its jobs. */
export interface Act {
  /** The launch does not happen, for this reason (of a pack: the first one's). */
  outcome?: Exclude<LaunchOutcome, { outcome: 'started' }>;
  seconds?: number;
  /** Of these: until what was to be fetched is there. */
  fetchSeconds?: number;
  exitCode?: number;
  lastLine?: string;
  outputs?: Record<string, string>;
  report?: Report;
  /** How the container ends with this job; in a pack the ones after it do not have their turn. */
  stopCode?: StopCode;
  outOfMemory?: boolean;
  peakMemoryBytes?: number;
  /** Killed from outside: no exit record; of a job alone no attempt record either. Ends the container too. */
  vanishes?: boolean;
  stageIn?: AttemptRecord['stageIn'];
  /** Deaf and endless: only `stop` ends it; in a pack its deadline does. */
  hangs?: boolean;
}

/** A member of a launch, with what it shares with the others. */
export type Launched = LaunchMember & Pick<Launch, 'run' | 'task' | 'size' | 'spot'>;
export type Script = (launched: Launched) => Act;

/** A job's time in its container; `to` is infinite for one that hangs. */
interface Turn {
  launched: Launched;
  act: Act;
  from: number;
  to: number;
  /** Its command ended by itself, or at its deadline. */
  ended: boolean;
}

interface Scripted {
  launch: Launch;
  acts: { launched: Launched; act: Act }[];
  startedAt: number;
  /** By job: since when its turn need not come. */
  skipped: Map<string, number>;
  stop?: { at: number; reason: string };
  recorded: boolean;
}

/** Containers that end by the clock and leave the attempt records that stage-out would. */
export class ScriptedRunner implements TaskRunner {
  readonly tasks = new Map<string, Scripted>();
  /** Each job in each container. */
  readonly launches: Launched[] = [];
  readonly containers: Launch[] = [];
  /** Most containers that ever ran at once. */
  mostAtOnce = 0;
  readonly #clock: Clock;
  readonly #staging: ObjectStore;
  readonly #script: Script;

  constructor(clock: Clock, staging: ObjectStore, script: Script) {
    this.#clock = clock;
    this.#staging = staging;
    this.#script = script;
  }

  async launch(launch: Launch): Promise<LaunchOutcome> {
    const ref = launch.id;
    if (this.tasks.has(ref)) return { outcome: 'started', ref };
    const { run, task, size, spot } = launch;
    const acts = launch.members.map((member) => {
      const launched = { ...member, run, task, size, spot };
      return { launched, act: this.#script(launched) };
    });
    const outcome = acts[0]?.act.outcome;
    if (outcome) return outcome;
    this.tasks.set(ref, {
      launch,
      acts,
      startedAt: this.#clock.now(),
      skipped: new Map(),
      recorded: false,
    });
    this.containers.push(launch);
    this.launches.push(...acts.map(({ launched }) => launched));
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running().length);
    return { outcome: 'started', ref };
  }

  running(): string[] {
    const now = this.#clock.now();
    return [...this.tasks].filter(([, task]) => endOf(task) > now).map(([ref]) => ref);
  }

  /** When the next container ends; undefined when none runs. */
  nextEnd(): number | undefined {
    const ends = [...this.tasks.values()].map(endOf).filter((at) => at > this.#clock.now());
    return ends.length > 0 ? Math.min(...ends) : undefined;
  }

  async describe(refs: string[]): Promise<TaskState[]> {
    const states: TaskState[] = [];
    for (const ref of refs) {
      const task = this.tasks.get(ref);
      if (task) states.push(await this.#state(ref, task));
    }
    return states;
  }

  async stop(ref: string, reason: string): Promise<void> {
    const task = this.tasks.get(ref);
    if (task && endOf(task) > this.#clock.now()) task.stop = { at: this.#clock.now(), reason };
  }

  async skip(ref: string, { job }: { job: string }): Promise<void> {
    this.tasks.get(ref)?.skipped.set(job, this.#clock.now());
  }

  async clean(): Promise<void> {}

  async #state(ref: string, task: Scripted): Promise<TaskState> {
    const { launch, startedAt, stop } = task;
    const base = { ref, launch: launch.id, pullStartedAt: startedAt, startedAt };
    const end = endOf(task);
    if (end > this.#clock.now())
      return { ...base, status: 'running', ...(this.#hasFetched(task) ? { fetched: true } : {}) };
    if (!task.recorded) await this.#record(task);
    const last = turnsOf(task).at(-1)?.act ?? {};
    return {
      ...base,
      status: 'stopped',
      stoppedAt: end,
      stopCode: last.stopCode ?? (stop ? 'UserInitiated' : 'EssentialContainerExited'),
      ...(stop ? { reason: stop.reason, exitCode: 143 } : {}),
      ...(last.vanishes ? { exitCode: 137 } : {}),
      ...(last.outOfMemory ? { outOfMemory: true, exitCode: 137 } : {}),
    };
  }

  #hasFetched({ acts, startedAt }: Scripted): boolean {
    const [{ launched, act }] = acts as [Scripted['acts'][number]];
    return launched.fetch === true && this.#clock.now() >= startedAt + (act.fetchSeconds ?? 0) * 1000;
  }

  async #record(task: Scripted): Promise<void> {
    task.recorded = true;
    const turns = turnsOf(task);
    const alone = task.acts.length === 1;
    for (const { launched, act } of task.acts) {
      const turn = turns.find((one) => one.launched === launched);
      if (alone && !turn?.ended) continue;
      const record = await this.#recordOf(launched, act, turn, alone);
      await this.#staging.put(stagingKeys.record(launched.job, launched.attempt), JSON.stringify(record));
    }
  }

  async #recordOf(
    launched: Launched,
    act: Act,
    turn: Turn | undefined,
    alone: boolean,
  ): Promise<AttemptRecord> {
    const { job, attempt, inputs } = launched;
    const files = [];
    const succeeds = turn?.ended && !act.exitCode && !act.stageIn && !act.outOfMemory && !act.hangs;
    for (const [name, body] of Object.entries(succeeds ? (act.outputs ?? { 'out.txt': job }) : {})) {
      const key = stagingKeys.output(job, attempt, name);
      await this.#staging.put(key, body);
      const sha256 = createHash('sha256').update(body).digest('hex');
      files.push({ name, key, bytes: Buffer.byteLength(body), sha256 });
    }
    const killed = alone && act.outOfMemory;
    return {
      job,
      attempt,
      ...(alone || !turn || act.stageIn ? {} : { begunAt: turn.from }),
      ...(turn?.ended && !act.stageIn && !killed ? { exit: exitOf(act, turn) } : {}),
      ...(act.stageIn ? { stageIn: act.stageIn } : {}),
      inputs: inputs.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256: sha256 ?? 'unknown' })),
      files,
      ...(act.report ? { report: act.report } : {}),
    };
  }
}

function exitOf(act: Act, { from, to }: Turn): NonNullable<AttemptRecord['exit']> {
  return {
    exitCode: act.hangs ? 143 : act.outOfMemory ? 137 : (act.exitCode ?? 0),
    startedAt: from,
    endedAt: to,
    ...(act.outOfMemory ? { oomKills: 1 } : {}),
    ...(act.hangs ? { deadline: true } : {}),
    ...(act.lastLine === undefined ? {} : { lastLine: act.lastLine }),
    ...(act.peakMemoryBytes === undefined ? {} : { peakMemoryBytes: act.peakMemoryBytes }),
  };
}

/** Those that began (or begin, when nothing stops it), in their order. */
function turnsOf({ acts, startedAt, skipped, stop }: Scripted): Turn[] {
  const turns: Turn[] = [];
  let at = startedAt;
  for (const { launched, act } of acts) {
    if ((skipped.get(launched.job) ?? Number.POSITIVE_INFINITY) <= at) continue;
    const seconds =
      act.hangs && acts.length === 1
        ? Number.POSITIVE_INFINITY
        : act.hangs
          ? launched.deadlineSeconds
          : act.stageIn && acts.length > 1
            ? 0
            : (act.seconds ?? 10);
    const to = at + seconds * 1000;
    if (stop && to > stop.at) {
      if (at < stop.at || turns.length === 0)
        turns.push({ launched, act, from: at, to: stop.at, ended: false });
      break;
    }
    turns.push({ launched, act, from: at, to, ended: !act.vanishes });
    if (act.vanishes || act.stopCode) break;
    at = to;
  }
  return turns;
}

const endOf = (task: Scripted): number =>
  Math.min(task.stop?.at ?? Number.POSITIVE_INFINITY, turnsOf(task).at(-1)?.to ?? task.startedAt);
