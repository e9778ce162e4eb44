/** Fargate: its launch quota, its vCPU quotas, and tasks that start late, end, run out of memory, or are lost. */
import type { Launch, LaunchMember, StopCode, TaskState } from '../ports.ts';
import type { VirtualClock } from './clock.ts';
import { luckOf, type Luck, type Needs } from './draws.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';

/** Launches that may come at once, and that the bucket is refilled by each second. */
export const LAUNCH_BUCKET = 100;
export const LAUNCHES_PER_SECOND = 20;
/** A container that cannot be pulled is given up after so long. */
const NEVER_STARTED_SECONDS = 90;
/** Stopped tasks can be described for an hour. */
const FORGET_MS = 3_600_000;
/** `stopTimeout` of the task definition: what SIGTERM has time for is not simulated, the time is. */
const STOP_SECONDS = 5;

/** What the containers of a task leave in the staging store of one of its jobs, before it stops. */
export interface Ending {
  task: string;
  member: LaunchMember;
  /** It had the container to itself. */
  alone: boolean;
  startedAt: number;
  endedAt: number;
  outOfMemory: boolean;
  peakMemoryMiB: number;
}

/** As the SDK throws them; `ecs-refusals.ts` reads name and message. */
class EcsError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface SimulatedTask {
  launch: Launch;
  state: TaskState;
  launchedAt: number;
  fetchedAt?: number;
  /** Named limits that its job counts against. */
  limits: string[];
  /** Once a task is being stopped nothing else can end it. */
  ending: boolean;
}

export interface FargateParts {
  clock: VirtualClock;
  random: Random;
  scenario: Scenario;
  needs: (task: string, member: LaunchMember) => Needs;
  limits: (launch: Launch) => string[];
  /** Outputs and attempt record; resolves when they are stored. */
  stageOut: (ending: Ending) => Promise<void>;
  /** Its events, of those that the stack's rules let through: all that tell of containers of a task that fetches, and the stop. */
  onChanged: (state: TaskState, luck: Luck) => void;
}

export class SimulatedFargate {
  readonly #parts: FargateParts;
  readonly tasks = new Map<string, SimulatedTask>();
  /** Times of all launches. */
  readonly launches: number[] = [];
  readonly refusals: Record<string, number> = {};
  peakTasks = 0;
  peakVcpu = 0;
  #running = 0;
  #vcpu = { spot: 0, onDemand: 0 };
  #tokens = LAUNCH_BUCKET;
  #tokensAt: number;

  constructor(parts: FargateParts) {
    this.#parts = parts;
    this.#tokensAt = parts.clock.now();
  }

  /** Returns the ref, or throws as the SDK does. `undefined`: `failures[]` says that there is no capacity. */
  runTask(launch: Launch): string | undefined {
    const ref = `arn:aws:ecs:sim:task/${launch.id}`;
    if (this.tasks.has(ref)) return ref;
    this.#takeToken();
    const { random, scenario, clock } = this.#parts;
    const kind = launch.spot ? 'spot' : 'onDemand';
    if (this.#vcpu[kind] + launch.size.vcpu > scenario.quotaVcpu) {
      this.#refuse('quota');
      throw new EcsError(
        'LimitExceededException',
        "You've reached the limit on the number of vCPUs you can run concurrently",
      );
    }
    if (random.chance(scenario.chances.noCapacity)) {
      this.#refuse('capacity');
      return undefined;
    }
    const now = clock.now();
    this.#vcpu[kind] += launch.size.vcpu;
    this.#running += 1;
    this.peakTasks = Math.max(this.peakTasks, this.#running);
    this.peakVcpu = Math.max(this.peakVcpu, this.#vcpu.spot + this.#vcpu.onDemand);
    this.launches.push(now);
    const task: SimulatedTask = {
      launch,
      launchedAt: now,
      limits: this.#parts.limits(launch),
      state: { ref, launch: launch.id, status: 'pending' },
      ending: false,
    };
    this.tasks.set(ref, task);
    void this.#live(task);
    return ref;
  }

  describe(refs: string[]): TaskState[] {
    const now = this.#parts.clock.now();
    return refs.flatMap((ref) => {
      const state = this.tasks.get(ref)?.state;
      return state && now - (state.stoppedAt ?? now) < FORGET_MS ? [{ ...state }] : [];
    });
  }

  stopTask(ref: string, reason: string): void {
    const task = this.tasks.get(ref);
    if (!task || task.state.status === 'stopped') return;
    const { clock } = this.#parts;
    clock.at(clock.now() + STOP_SECONDS * 1000, () =>
      this.#end(task, { stopCode: 'UserInitiated', reason, exitCode: 143 }),
    );
  }

  #takeToken(): void {
    const now = this.#parts.clock.now();
    const refilled = this.#tokens + ((now - this.#tokensAt) / 1000) * LAUNCHES_PER_SECOND;
    this.#tokens = Math.min(LAUNCH_BUCKET, refilled);
    this.#tokensAt = now;
    if (this.#tokens < 1) {
      this.#refuse('throttle');
      throw new EcsError('ThrottlingException', 'Rate exceeded');
    }
    this.#tokens -= 1;
  }

  #refuse(why: string): void {
    this.refusals[why] = (this.refusals[why] ?? 0) + 1;
  }

  async #live(task: SimulatedTask): Promise<void> {
    const { clock, stageOut } = this.#parts;
    const { launch } = task;
    // The container's own luck is its first job's; what each needs is its own.
    const [luck, ...others] = this.#lucks(task);
    const run = others.reduce((sum, other) => sum + other.run, luck.run);
    if (luck.neverStarts) {
      clock.at(clock.now() + NEVER_STARTED_SECONDS * 1000, () =>
        this.#end(task, { stopCode: 'TaskFailedToStart', reason: 'Timeout waiting for network interface' }),
      );
      return;
    }
    await clock.sleep(luck.provisioning * 1000);
    if (task.ending) return;
    const pullStartedAt = clock.now();
    task.state = { ...task.state, pullStartedAt };
    if (launch.spot && luck.lostAfter < run) {
      clock.at(pullStartedAt + luck.lostAfter * 1000, () =>
        this.#end(task, {
          stopCode: 'SpotInterruption',
          reason: 'Your Spot Task was interrupted.',
          exitCode: 143,
        }),
      );
      return;
    }
    await clock.sleep(luck.pulling * 1000);
    if (task.ending) return;
    task.state = { ...task.state, status: 'running', startedAt: clock.now() };
    const endings = await this.#turns(task, [luck, ...others]);
    if (!endings) return;
    for (const ending of endings) await stageOut(ending);
    const outOfMemory = endings.some((ending) => ending.outOfMemory);
    const alone = launch.members.length === 1;
    this.#end(task, {
      stopCode: 'EssentialContainerExited',
      reason: 'Essential container in task exited',
      exitCode: alone && outOfMemory ? 137 : 0,
      ...(outOfMemory ? { outOfMemory } : {}),
    });
  }

  /** One job after another; `undefined` when the container was ended meanwhile. */
  async #turns(task: SimulatedTask, lucks: Luck[]): Promise<Ending[] | undefined> {
    const { clock } = this.#parts;
    const { members, size, task: name } = task.launch;
    const endings: Ending[] = [];
    for (const [index, luck] of lucks.entries()) {
      const startedAt = clock.now();
      const outOfMemory = luck.memoryMiB > size.memoryMiB;
      const share = outOfMemory ? luck.outOfMemoryAt : 1;
      const fetching = luck.fetching ?? 0;
      if (luck.fetching !== undefined) {
        // stage-in has ended; fetch has started.
        this.#tell(task, luck, 2);
        await clock.sleep(fetching * 1000);
        if (task.ending) return undefined;
        task.fetchedAt = clock.now();
        task.state = { ...task.state, fetched: true };
        // fetch has ended; main has started.
        this.#tell(task, luck, 2);
      }
      const rest = luck.run * share - fetching - (index === 0 ? luck.pulling : 0);
      await clock.sleep(Math.max(0, rest) * 1000);
      if (task.ending) return undefined;
      // main has ended.
      if (luck.fetching !== undefined) this.#tell(task, luck, 1);
      endings.push({
        task: name,
        member: members[index]!,
        alone: members.length === 1,
        startedAt,
        endedAt: clock.now(),
        outOfMemory,
        peakMemoryMiB: Math.min(luck.memoryMiB, size.memoryMiB),
      });
    }
    return endings;
  }

  #tell({ state }: SimulatedTask, luck: Luck, times: number): void {
    for (let time = 1; time <= times; time += 1) this.#parts.onChanged(state, luck);
  }

  /** One for each member. */
  #lucks({ launch }: SimulatedTask): [Luck, ...Luck[]] {
    const { scenario, needs } = this.#parts;
    return launch.members.map((member) =>
      luckOf(scenario.seed, member, needs(launch.task, member), scenario.chances),
    ) as [Luck, ...Luck[]];
  }

  #end(
    task: SimulatedTask,
    how: Pick<TaskState, 'reason' | 'exitCode' | 'outOfMemory'> & { stopCode: StopCode },
  ): void {
    if (task.ending) return;
    task.ending = true;
    const { clock, onChanged } = this.#parts;
    const [luck] = this.#lucks(task);
    clock.at(clock.now() + luck.deprovisioning * 1000, () => {
      task.state = { ...task.state, ...how, status: 'stopped', stoppedAt: clock.now() };
      this.#running -= 1;
      this.#vcpu[task.launch.spot ? 'spot' : 'onDemand'] -= task.launch.size.vcpu;
      onChanged(task.state, luck);
    });
  }
}
