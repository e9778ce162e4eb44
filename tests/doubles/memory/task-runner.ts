import { createHash } from 'node:crypto';
import { stagingKeys, type AttemptRecord, type Report } from '../../../lib/pipeline/attempt-record.ts';
import type {
  Clock,
  Launch,
  LaunchOutcome,
  ObjectStore,
  StopCode,
  TaskRunner,
  TaskState,
} from '../../../lib/ports.ts';

/** What a scripted container does. */
export interface Act {
  /** The launch does not happen, for this reason. */
  outcome?: Exclude<LaunchOutcome, { outcome: 'started' }>;
  seconds?: number;
  exitCode?: number;
  lastLine?: string;
  outputs?: Record<string, string>;
  report?: Report;
  stopCode?: StopCode;
  outOfMemory?: boolean;
  peakMemoryBytes?: number;
  /** Killed from outside: no exit record, no attempt record. */
  vanishes?: boolean;
  stageIn?: AttemptRecord['stageIn'];
  /** Deaf and endless: only `stop` ends it. */
  hangs?: boolean;
}

export type Script = (launch: Launch) => Act;

interface Scripted {
  launch: Launch;
  act: Act;
  startedAt: number;
  endsAt: number;
  stopReason?: string;
  recorded: boolean;
}

/** Containers that end by the clock and leave the attempt record that stage-out would. */
export class ScriptedRunner implements TaskRunner {
  readonly tasks = new Map<string, Scripted>();
  readonly launches: Launch[] = [];
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
    const ref = `${launch.job}/${launch.attempt}`;
    if (this.tasks.has(ref)) return { outcome: 'started', ref };
    const act = this.#script(launch);
    if (act.outcome) return act.outcome;
    const now = this.#clock.now();
    const endsAt = act.hangs ? Number.POSITIVE_INFINITY : now + (act.seconds ?? 10) * 1000;
    this.tasks.set(ref, { launch, act, startedAt: now, endsAt, recorded: false });
    this.launches.push(launch);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running().length);
    return { outcome: 'started', ref };
  }

  running(): string[] {
    const now = this.#clock.now();
    return [...this.tasks].filter(([, { endsAt }]) => endsAt > now).map(([ref]) => ref);
  }

  /** When the next container ends; undefined when none runs. */
  nextEnd(): number | undefined {
    const ends = [...this.tasks.values()].map(({ endsAt }) => endsAt).filter((at) => at > this.#clock.now());
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
    if (!task || task.endsAt <= this.#clock.now()) return;
    task.endsAt = this.#clock.now();
    task.stopReason = reason;
  }

  async clean(): Promise<void> {}

  async #state(ref: string, task: Scripted): Promise<TaskState> {
    const { launch, act, startedAt, endsAt } = task;
    const base = { ref, job: launch.job, attempt: launch.attempt, pullStartedAt: startedAt, startedAt };
    if (endsAt > this.#clock.now()) return { ...base, status: 'running' };
    if (!task.recorded && !act.vanishes && task.stopReason === undefined) await this.#record(task);
    const stopped = task.stopReason !== undefined;
    return {
      ...base,
      status: 'stopped',
      stoppedAt: endsAt,
      stopCode: act.stopCode ?? (stopped ? 'UserInitiated' : 'EssentialContainerExited'),
      ...(stopped ? { reason: task.stopReason, exitCode: 143 } : {}),
      ...(act.vanishes ? { exitCode: 137 } : {}),
      ...(act.outOfMemory ? { outOfMemory: true, exitCode: 137 } : {}),
    };
  }

  async #record(task: Scripted): Promise<void> {
    const { launch, act, startedAt, endsAt } = task;
    const files = [];
    for (const [name, body] of Object.entries(
      act.exitCode ? {} : (act.outputs ?? { 'out.txt': launch.job }),
    )) {
      const key = stagingKeys.output(launch.job, launch.attempt, name);
      await this.#staging.put(key, body);
      const sha256 = createHash('sha256').update(body).digest('hex');
      files.push({ name, key, bytes: Buffer.byteLength(body), sha256 });
    }
    const exit = {
      exitCode: act.exitCode ?? 0,
      startedAt,
      endedAt: endsAt,
      ...(act.lastLine === undefined ? {} : { lastLine: act.lastLine }),
      ...(act.peakMemoryBytes === undefined ? {} : { peakMemoryBytes: act.peakMemoryBytes }),
    };
    const record: AttemptRecord = {
      job: launch.job,
      attempt: launch.attempt,
      ...(act.outOfMemory || act.stageIn ? {} : { exit }),
      ...(act.stageIn ? { stageIn: act.stageIn } : {}),
      inputs: launch.inputs.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256: sha256 ?? 'unknown' })),
      files,
      ...(act.report ? { report: act.report } : {}),
    };
    await this.#staging.put(stagingKeys.record(launch.job, launch.attempt), JSON.stringify(record));
    task.recorded = true;
  }
}
