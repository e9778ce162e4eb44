/** What a simulated stack is made of, before anything calls anything: stores, queues, Fargate, and who sees them how. */
import { JobsQueue } from '../aws/jobs-queue.ts';
import { StepQueue } from '../aws/step-queue.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { Job, Params } from '../pipeline/job.ts';
import { keys } from '../pipeline/keys.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkParams } from '../tasks/params.ts';
import { LARGEST_SIZE } from '../tasks/sizes.ts';
import { VirtualClock } from './clock.ts';
import { EventLog } from './events.ts';
import { SimulatedFargate, type FargateParts } from './fargate.ts';
import { fargateRunner } from './fargate-runner.ts';
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

/** `LONGSHORE_STEP_TIMEOUT` of serverless.yml. */
const STEP_TIMEOUT_SECONDS = 1200;

export interface Parts {
  scenario: Scenario;
  clock: VirtualClock;
  meter: Meter;
  log: EventLog;
  tasks: ReadonlyMap<string, TaskDefinition>;
  records: MemoryRecords;
  stores: Record<keyof PipelineContext['stores'], MemoryStore>;
  queues: Record<'jobs' | 'wake' | 'validate' | 'metadata', SimulatedSqs>;
  fargate: SimulatedFargate;
  /** Writes to the ledger that somebody else was faster than, by the kind of record. */
  conflicts: Record<string, number>;
}

export function buildParts(
  definitions: ReadonlyMap<string, TaskDefinition>,
  scenario: Scenario,
  onChanged: FargateParts['onChanged'],
): Parts {
  const clock = new VirtualClock();
  const meter = new Meter(clock, randomOf(scenario.seed, 'requests'));
  const parts = {
    scenario,
    clock,
    meter,
    log: new EventLog(clock),
    tasks: simulatedTasks(definitions, scenario),
    // By reference: the pipeline never changes what it has read.
    records: new MemoryRecords((value) => value),
    stores: {
      uploads: new MemoryStore('uploads', clock),
      output: new MemoryStore('output', clock),
      quarantine: new MemoryStore('quarantine', clock),
      staging: new MemoryStore('staging', clock),
    },
    queues: {
      jobs: new SimulatedSqs(clock, meter, 'jobs queue'),
      wake: new SimulatedSqs(clock, meter, 'wake queue'),
      validate: new SimulatedSqs(clock, meter, 'validate queue'),
      metadata: new SimulatedSqs(clock, meter, 'metadata queue'),
    },
    conflicts: {},
  };
  return { ...parts, fargate: buildFargate(parts, onChanged) };
}

function buildFargate(parts: Omit<Parts, 'fargate'>, onChanged: FargateParts['onChanged']): SimulatedFargate {
  const { clock, meter, scenario, tasks, records, stores } = parts;
  const staging = new MeteredStore(stores.staging, meter.by('container'));
  const recordOf = (job: string): Job => records.records.get(keys.job(job))?.value as Job;
  const workOf = (name: string, job: string): { task: TaskDefinition; params: Params } => {
    const task = tasks.get(name)!;
    const checked = checkParams(task, recordOf(job).params);
    return { task, params: (checked.ok ? checked.params : {}) as Params };
  };
  return new SimulatedFargate({
    clock,
    scenario,
    random: randomOf(scenario.seed, 'fargate'),
    needs: (name, { job, fetch }) => {
      const { task, params } = workOf(name, job);
      const work = { bytes: 0, params };
      return {
        expectedSeconds: task.expectedSeconds(work),
        memoryMiB: task.size(work).memoryMiB,
        ...(fetch && task.fetch ? { fetchSeconds: task.fetch.expectedSeconds(work) } : {}),
      };
    },
    limits: ({ members }) => recordOf(members[0]!.job).limits,
    stageOut: async (ending) => {
      const { task, params } = workOf(ending.task, ending.member.job);
      await stageOut(staging, task, params as never, ending);
    },
    onChanged,
  });
}

/** The stack as one caller sees it: each of its requests is counted as the caller's. */
export function contextOf(parts: Parts, caller: string): PipelineContext {
  const { clock, meter, log, tasks, records, stores, queues, fargate, conflicts, scenario } = parts;
  const call = meter.by(caller);
  const staging = new MeteredStore(stores.staging, call);
  return {
    stores: {
      uploads: new MeteredStore(stores.uploads, call),
      output: new MeteredStore(stores.output, call),
      quarantine: new MeteredStore(stores.quarantine, call),
      staging,
    },
    records: new MeteredRecords(records, call, (key) => {
      const kind = key.split('/', 1)[0]!;
      conflicts[kind] = (conflicts[kind] ?? 0) + 1;
    }),
    jobs: new JobsQueue({ jobs: queues.jobs.sentBy(caller), wake: queues.wake.sentBy(caller) }),
    steps: new StepQueue({
      validate: queues.validate.sentBy(caller),
      publish: queues.metadata.sentBy(caller),
    }),
    runner: fargateRunner(fargate, staging, call),
    clock,
    log,
    fetch: async () => new Response(null, { status: 404 }),
    tasks,
    settings: {
      ...scenario.settings,
      ceiling: LARGEST_SIZE,
      spotAvailable: scenario.spot,
      stepTimeoutSeconds: STEP_TIMEOUT_SECONDS,
    },
  };
}
