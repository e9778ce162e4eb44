/** A whole pipeline in memory: scripted containers, a clock that is moved by hand, and processes that can be killed. */
import * as z from 'zod';
import type { PipelineContext, PipelineSettings } from '../../lib/pipeline/context.ts';
import { dispatch } from '../../lib/pipeline/dispatch.ts';
import { handleStep } from '../../lib/pipeline/handle.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import type { PipelineMessage } from '../../lib/pipeline/messages.ts';
import { settle } from '../../lib/pipeline/settle.ts';
import { sweep } from '../../lib/pipeline/sweep.ts';
import { defineTask, type TaskDefinition } from '../../lib/tasks/define-task.ts';
import type { TaskState } from '../../lib/ports.ts';
import { handleMessages } from './handle-messages.ts';
import { ManualClock } from './memory/clock.ts';
import { MemoryLog } from './memory/log.ts';
import { MemoryStore } from '../../lib/simulate/memory/object-store.ts';
import { MemoryQueue } from '../../lib/simulate/memory/queue.ts';
import { MemoryRecords } from '../../lib/simulate/memory/record-store.ts';
import { ScriptedRunner, type Script } from './memory/task-runner.ts';

/** A small task that takes text files: enough to drive every path of the pipeline. */
export const textTask: TaskDefinition = defineTask({
  name: 'text',
  description: 'Text in, text out',
  image: 'longshore/text',
  command: ['/bin/true'],
  accepts: ['.txt'],
  params: z.object({
    area: z.string().optional().describe('An area'),
    kind: z.enum(['plain', 'rich']).default('plain').describe('A kind'),
  }),
  needsFile: ({ area }) => (area === undefined ? 'area is missing: give an area or a file' : undefined),
  publishAs: ({ area }) => area ?? '',
  size: () => ({ vcpu: 1, memoryMiB: 2048, diskGiB: 20 }),
  ceiling: { vcpu: 2, memoryMiB: 8192, diskGiB: 20 },
  deadlineSeconds: () => 600,
  expectedSeconds: () => 10,
  attempts: 3,
  spot: true,
  network: false,
  limits: ({ area }) => (area === undefined ? [] : ['mirror']),
  outputs: [
    {
      pattern: '*.txt',
      description: 'the text',
      contentType: 'text/plain',
      atLeast: () => 1,
      checks: [
        {
          name: 'says-good',
          run: async (file, { read }) => {
            const ok = !(await read(file, 0, 2)).toString().startsWith('bad');
            return { check: 'says-good', file: file.name, ok, detail: ok ? 'good' : 'it begins with "bad"' };
          },
        },
      ],
    },
  ],
  metadata: [
    async ({ job }) => [
      { name: 'about.json', contentType: 'application/json', body: JSON.stringify({ job: job.id }) },
    ],
  ],
});

export interface WorldOptions {
  script?: Script;
  settings?: Partial<PipelineSettings>;
  tasks?: TaskDefinition[];
  fetch?: typeof fetch;
}

/** What dies when the process is killed: everything after so many calls of any port. */
export class KilledError extends Error {
  override name = 'KilledError';
}

export class World {
  readonly clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly records = new MemoryRecords();
  readonly jobs = new MemoryQueue(this.clock);
  readonly steps = new MemoryQueue(this.clock);
  readonly stores = {
    uploads: new MemoryStore('uploads', this.clock),
    output: new MemoryStore('output', this.clock),
    quarantine: new MemoryStore('quarantine', this.clock),
    staging: new MemoryStore('staging', this.clock),
  };
  readonly runner: ScriptedRunner;
  readonly context: PipelineContext;
  /** Port calls left until the process is killed. */
  callsLeft = Number.POSITIVE_INFINITY;
  calls = 0;
  readonly #told = new Set<string>();

  constructor({ script = () => ({}), settings = {}, tasks = [textTask], fetch: fetchOf }: WorldOptions = {}) {
    this.runner = new ScriptedRunner(this.clock, this.stores.staging, script);
    const mortal = <T extends object>(port: T): T => this.#mortal(port);
    this.context = {
      stores: {
        uploads: mortal(this.stores.uploads),
        output: mortal(this.stores.output),
        quarantine: mortal(this.stores.quarantine),
        staging: mortal(this.stores.staging),
      },
      records: mortal(this.records),
      jobs: mortal(this.jobs),
      steps: mortal(this.steps),
      runner: mortal(this.runner),
      clock: this.clock,
      log: this.log,
      fetch: fetchOf ?? (async () => new Response(null, { status: 404 })),
      tasks: new Map(tasks.map((task) => [task.name, task])),
      settings: {
        maxTasks: 4,
        limits: {},
        ceiling: { vcpu: 16, memoryMiB: 122_880, diskGiB: 200 },
        spotAvailable: true,
        stepTimeoutSeconds: 300,
        architecture: 'x86_64',
        ...settings,
      },
    };
  }

  /** Each call of a port is a point at which the process may die: before it, so after the one before it. */
  #mortal<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (name === 'uri') return value.apply(target, args) as unknown;
          this.calls += 1;
          this.callsLeft -= 1;
          if (this.callsLeft < 0) throw new KilledError(`killed before ${String(name)}`);
          return value.apply(target, args) as unknown;
        };
      },
    });
  }

  /** Puts a file into uploads and tells it, as S3 does. */
  async drop(key: string, body: string, sequence?: string): Promise<void> {
    const { bytes, etag } = await this.stores.uploads.put(key, body);
    this.clock.advance(1);
    const message: PipelineMessage = {
      kind: 'upload',
      key,
      bytes,
      etag,
      sequence: sequence ?? this.clock.now().toString(16).padStart(16, '0'),
    };
    await this.jobs.send([JSON.stringify(message)]);
  }

  async ask(run: string, params: Record<string, string>, extra: object = {}): Promise<void> {
    const message = { kind: 'job', run, task: 'text', params, sequence: '0', priority: 0, ...extra };
    await this.jobs.send([JSON.stringify(message)]);
  }

  /** Delivers what is visible, once. False when there was nothing. */
  async deliver(): Promise<boolean> {
    const jobs = await this.jobs.receive();
    if (jobs.length > 0) {
      const { failed, dispatched } = await handleMessages(
        this.context,
        jobs.map(({ body }) => body),
      );
      for (const [at, message] of jobs.entries()) if (!failed.includes(at)) await message.ack();
      if (dispatched.retryAfterSeconds !== undefined) {
        await this.jobs.send(['{"kind":"wake"}'], { delaySeconds: dispatched.retryAfterSeconds });
      }
    }
    const steps = await this.steps.receive();
    for (const step of steps) {
      await handleStep(this.context, step.body);
      await step.ack();
    }
    return jobs.length + steps.length > 0;
  }

  /** Stopped containers that no event has told yet. */
  async stops(): Promise<TaskState[]> {
    const states = await this.runner.describe(
      [...this.runner.tasks.keys()].filter((ref) => !this.#told.has(ref)),
    );
    return states.filter(({ status }) => status === 'stopped');
  }

  async tellStops({ lose = () => false }: { lose?: (state: TaskState) => boolean } = {}): Promise<void> {
    for (const state of await this.stops()) {
      if (!lose(state)) await settle(this.context, state);
      this.#told.add(state.ref);
    }
  }

  /** Lets time pass, with a sweep a minute, until nothing is left to do (or an hour of it has passed). */
  async settleAll(options: { lose?: (state: TaskState) => boolean; hours?: number } = {}): Promise<void> {
    const end = this.clock.now() + (options.hours ?? 6) * 3_600_000;
    while (this.clock.now() < end) {
      while (await this.deliver());
      await this.tellStops(options);
      while (await this.deliver());
      if (
        this.allJobs().every(({ state }) => isTerminal(state)) &&
        this.runner.running().length === 0 &&
        this.jobs.held.length + this.steps.held.length === 0
      )
        return;
      this.clock.advance(
        Math.min(60_000, Math.max(1, (this.runner.nextEnd() ?? Number.POSITIVE_INFINITY) - this.clock.now())),
      );
      await sweep(this.context);
      await dispatch(this.context);
    }
    throw new Error(
      `Not settled: ${JSON.stringify(
        this.allJobs().filter(({ state }) => !isTerminal(state)),
        null,
        1,
      )}`,
    );
  }

  allJobs(): Job[] {
    return [...this.records.records]
      .filter(([key]) => key.startsWith('jobs/'))
      .map(([, { value }]) => value as Job);
  }

  job(name: string): Job {
    const found = this.allJobs().filter((job) => job.name === name);
    if (found.length !== 1) throw new Error(`${found.length} jobs are named ${name}`);
    return found[0]!;
  }

  output(key: string): string | undefined {
    return this.stores.output.objects.get(key)?.body.toString();
  }
}
