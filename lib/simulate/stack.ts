/** The stack of serverless.yml, wired as there: what calls which function, how many at once, and what each may do. */
import { JobsQueue } from '../aws/jobs-queue.ts';
import { StepQueue } from '../aws/step-queue.ts';
import { wakeLater } from '../aws/wake.ts';
import { accept } from '../pipeline/accept.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { dispatch, dispatchAtQuota } from '../pipeline/dispatch.ts';
import type { Job } from '../pipeline/job.ts';
import { keys } from '../pipeline/keys.ts';
import { handleStep } from '../pipeline/handle.ts';
import { PipelineMessage, type JobMessage, type WakeMessage } from '../pipeline/messages.ts';
import { settle } from '../pipeline/settle.ts';
import { acceptAll } from '../rebuild/start.ts';
import { sweep } from '../pipeline/sweep.ts';
import type { TaskState } from '../ports.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkParams } from '../tasks/params.ts';
import { LARGEST_SIZE } from '../tasks/sizes.ts';
import { VirtualClock } from './clock.ts';
import { EventLog } from './events.ts';
import { SimulatedFargate } from './fargate.ts';
import { fargateRunner } from './fargate-runner.ts';
import { SimulatedLambda } from './lambda.ts';
import { MemoryStore } from './memory/object-store.ts';
import { MemoryRecords } from './memory/record-store.ts';
import { Meter } from './meter.ts';
import { MeteredRecords } from './metered-records.ts';
import { MeteredStore } from './metered-store.ts';
import { randomOf } from './random.ts';
import type { Scenario } from './scenario.ts';
import { SimulatedSqs } from './sqs.ts';
import { stageOut } from './stage-out.ts';
import { simulatedTasks } from './tasks.ts';

export const FUNCTIONS = ['rebuild', 'dispatch', 'settle', 'validate', 'metadata', 'sweep'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

const WAKE = JSON.stringify({ kind: 'wake' } satisfies WakeMessage);
/** As functions/dispatch.ts stays. */
const STAY_SECONDS = 10;
const SWEEP_MS = 60_000;
/** `visibilityTimeout` of resources/queues.yml, in seconds. */
const VISIBILITY = { jobs: 180, steps: 1080 };

export interface Stack {
  clock: VirtualClock;
  meter: Meter;
  log: EventLog;
  records: MemoryRecords;
  fargate: SimulatedFargate;
  functions: Record<FunctionName, SimulatedLambda>;
  queues: SimulatedSqs[];
  /** Writes to the ledger that somebody else was faster than, by the kind of record. */
  conflicts: Record<string, number>;
  /** What the code of a function, or of a person's command, is given. */
  context: (caller: string) => PipelineContext;
  /** Accepts the jobs of a plan, as the rebuild function does once it has made the plan. */
  rebuild: (messages: JobMessage[]) => Promise<void>;
  /** Nothing is under way any more. */
  idle(): boolean;
}

export function buildStack(definitions: ReadonlyMap<string, TaskDefinition>, scenario: Scenario): Stack {
  const clock = new VirtualClock();
  const meter = new Meter(clock, randomOf(scenario.seed, 'requests'));
  const log = new EventLog(clock);
  const tasks = simulatedTasks(definitions, scenario);
  // By reference: the pipeline never changes what it has read.
  const records = new MemoryRecords((value) => value);
  const stores = {
    uploads: new MemoryStore('uploads', clock),
    output: new MemoryStore('output', clock),
    quarantine: new MemoryStore('quarantine', clock),
    staging: new MemoryStore('staging', clock),
  };
  const conflicts: Record<string, number> = {};
  const queues = {
    jobs: new SimulatedSqs(clock, meter, 'jobs queue'),
    wake: new SimulatedSqs(clock, meter, 'wake queue'),
    validate: new SimulatedSqs(clock, meter, 'validate queue'),
    metadata: new SimulatedSqs(clock, meter, 'metadata queue'),
  };
  const containers = new MeteredStore(stores.staging, meter.by('container'));
  const recordOf = (job: string): Job => records.records.get(keys.job(job))?.value as Job;
  const workOf = (name: string, { job }: { job: string }) => {
    const task = tasks.get(name)!;
    const checked = checkParams(task, recordOf(job).params);
    return { task, params: (checked.ok ? checked.params : {}) as never };
  };
  const functions = Object.fromEntries(
    FUNCTIONS.map((name) => [name, new SimulatedLambda(clock, meter, name)]),
  ) as Record<FunctionName, SimulatedLambda>;
  const fargate = new SimulatedFargate({
    clock,
    scenario,
    random: randomOf(scenario.seed, 'fargate'),
    needs: (name, member) => {
      const { task, params } = workOf(name, member);
      const work = { bytes: 0, params };
      return { expectedSeconds: task.expectedSeconds(work), memoryMiB: task.size(work).memoryMiB };
    },
    limits: ({ members }) => recordOf(members[0]!.job).limits,
    stageOut: async (ending) => {
      const { task, params } = workOf(ending.task, ending.member);
      await stageOut(containers, task, params, ending);
    },
    onStopped: (state, { eventDelay, eventComes }) => {
      for (let times = 1; times <= eventComes; times += 1) {
        clock.at(clock.now() + eventDelay * 1000 * times, () => void settled(state));
      }
    },
  });

  const context = (name: string): PipelineContext => {
    const call = meter.by(name);
    const metered = (store: MemoryStore): MeteredStore => new MeteredStore(store, call);
    const staging = metered(stores.staging);
    return {
      stores: {
        uploads: metered(stores.uploads),
        output: metered(stores.output),
        quarantine: metered(stores.quarantine),
        staging,
      },
      records: new MeteredRecords(records, call, (key) => {
        const kind = key.split('/', 1)[0]!;
        conflicts[kind] = (conflicts[kind] ?? 0) + 1;
      }),
      jobs: new JobsQueue({ jobs: queues.jobs.sentBy(name), wake: queues.wake.sentBy(name) }),
      steps: new StepQueue({ validate: queues.validate.sentBy(name), publish: queues.metadata.sentBy(name) }),
      runner: fargateRunner(fargate, staging, call),
      clock,
      log,
      fetch: async () => new Response(null, { status: 404 }),
      tasks,
      settings: {
        ...scenario.settings,
        ceiling: LARGEST_SIZE,
        spotAvailable: scenario.spot,
        stepTimeoutSeconds: 1200,
      },
    };
  };
  const contexts = Object.fromEntries(FUNCTIONS.map((name) => [name, context(name)])) as Record<
    FunctionName,
    PipelineContext
  >;

  const settled = async (state: TaskState): Promise<void> => {
    // EventBridge asks again when a function fails; the sweep would find it too.
    for (let tries = 1; tries <= 3; tries += 1) {
      try {
        await functions.settle.invoke(async () => await settle(contexts.settle, state));
        return;
      } catch (error) {
        log.error('Lambda:Settle:Failed', { reason: String(error) });
      }
    }
  };
  const dispatchHandler = async (bodies: string[]): Promise<number[]> =>
    await functions.dispatch.invoke(async () => {
      const ctx = contexts.dispatch;
      const messages = bodies.map((body) => PipelineMessage.parse(JSON.parse(body)));
      const taken = await Promise.allSettled(
        messages.map(async (message) => message.kind === 'wake' || (await accept(ctx, message))),
      );
      const wakes = messages.filter((message) => message.kind === 'wake');
      if (wakes.length > 0) await wakeLater(ctx, await dispatchAtQuota(ctx, { wakes }, STAY_SECONDS));
      else await ctx.jobs.send([WAKE]);
      return failedPlaces(log, taken);
    });
  const stepsHandler = (name: 'validate' | 'metadata') => async (bodies: string[]) =>
    await functions[name].invoke(async () =>
      failedPlaces(
        log,
        await Promise.allSettled(bodies.map(async (body) => await handleStep(contexts[name], body))),
      ),
    );
  queues.jobs.subscribe({
    batchSize: 10,
    windowSeconds: 0,
    maximumConcurrency: 10,
    visibilitySeconds: VISIBILITY.jobs,
    handle: dispatchHandler,
  });
  queues.wake.subscribe({
    batchSize: 100,
    windowSeconds: 1,
    maximumConcurrency: 4,
    visibilitySeconds: VISIBILITY.jobs,
    handle: dispatchHandler,
  });
  for (const name of ['validate', 'metadata'] as const) {
    queues[name].subscribe({
      batchSize: 1,
      windowSeconds: 0,
      maximumConcurrency: 20,
      visibilitySeconds: VISIBILITY.steps,
      handle: stepsHandler(name),
    });
  }
  const sweepLater = (): void =>
    clock.at(clock.now() + SWEEP_MS, () => {
      sweepLater();
      void functions.sweep
        .invoke(async () => {
          await sweep(contexts.sweep);
          await wakeLater(contexts.sweep, await dispatch(contexts.sweep));
        })
        .catch((error: unknown) => log.error('Lambda:Sweep:Failed', { reason: String(error) }));
    });
  sweepLater();

  return {
    clock,
    meter,
    log,
    records,
    fargate,
    functions,
    queues: Object.values(queues),
    conflicts,
    context,
    rebuild: async (messages) =>
      await functions.rebuild.invoke(async () => {
        await acceptAll(contexts.rebuild, messages);
        await contexts.rebuild.jobs.send([WAKE]);
      }),
    idle: () =>
      Object.values(functions).every(({ running }) => running === 0) &&
      Object.values(queues).every(({ held }) => held === 0),
  };
}

function failedPlaces(log: EventLog, results: PromiseSettledResult<unknown>[]): number[] {
  return results.flatMap((result, at) => {
    if (result.status === 'fulfilled') return [];
    log.error('Message:Handle:Failed', { reason: String(result.reason) });
    return [at];
  });
}
