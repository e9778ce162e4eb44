/**
 * The pipeline on AWS at its worst: the real Lambda handlers and the real SDK clients, S3 and SQS by fauxqs, ECS by our
 * double, on a clock that jumps. Every event comes twice, a third of the stops is never told, in any order; a tenth of the
 * launches is refused, or its answer is lost; messages come again; containers are interrupted, run out of memory, hang,
 * never start. LONGSHORE_CHAOS_SEED=7,8,9 tries other seeds.
 */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Message } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { S3Records } from '../../lib/aws/s3-records.ts';
import { SqsQueue } from '../../lib/aws/sqs-queue.ts';
import type { Admission } from '../../lib/pipeline/admission.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import type { TaskDefinition } from '../../lib/tasks/define-task.ts';
import { jumpingClock } from '../doubles/ecs/clock.ts';
import type { TaskStateChange } from '../doubles/ecs/events.ts';
import { chance } from '../doubles/ecs/random.ts';
import type { EcsDouble } from '../doubles/ecs/server.ts';
import { MemoryLog } from '../doubles/memory/log.ts';
import { textTask } from '../doubles/world.ts';
import { MAX_TASKS, QUEUES, startChaos, startStack, type Stack } from './support/chaos-stack.ts';
import { eventSource, messagesIn } from './support/event-source.ts';
import { FATES, fateOf } from './support/fates.ts';

const SEEDS = (process.env.LONGSHORE_CHAOS_SEED ?? '1').split(',').map(Number);
const JOBS = 200;

const task: TaskDefinition = { ...textTask, deadlineSeconds: () => 180, retryAfterDeadline: true };
const log = new MemoryLog();
jest.unstable_mockModule('../../tasks/index.ts', () => ({ tasks: new Map([[task.name, task]]) }));
jest.unstable_mockModule('../../lib/aws/log.ts', () => ({ lambdaLog: () => log }));

const clock = jumpingClock();
const before = { ...process.env };
let stack: Stack;
let records: S3Records;
let port = 0;

beforeAll(async () => {
  // Everything in this process lives by this clock, the queues' timeouts too.
  jest.spyOn(Date, 'now').mockImplementation(clock.now);
  stack = await startStack();
  records = new S3Records({ client: stack.aws.s3, bucket: 'state', prefix: 'ledger/' });
}, 60_000);
afterAll(async () => {
  process.env = before;
  await stack.aws.stop();
  jest.restoreAllMocks();
});

/** Long: on a busy machine a call takes what it takes. */
const context = { getRemainingTimeInMillis: () => 900_000 } as Context;
const bound =
  <E, A>(handler: unknown) =>
  async (event: E): Promise<A> =>
    await (handler as (event: E, context: Context) => Promise<A>)(event, context);

/** As in Lambda: their modules read the environment once, when they are loaded. */
async function lambdas() {
  const [dispatch, settle, validate, metadata, sweep] = await Promise.all([
    import('../../functions/dispatch.ts'),
    import('../../functions/settle.ts'),
    import('../../functions/validate.ts'),
    import('../../functions/metadata.ts'),
    import('../../functions/sweep.ts'),
  ]);
  return {
    dispatch: bound<SQSEvent, SQSBatchResponse>(dispatch.handler),
    validate: bound<SQSEvent, SQSBatchResponse>(validate.handler),
    metadata: bound<SQSEvent, SQSBatchResponse>(metadata.handler),
    settle: bound<TaskStateChange, void>(settle.handler),
    sweep: bound<object, void>(sweep.handler),
  };
}

/** Half are files that are dropped, each told twice; half are jobs by name, as a manifest has them. */
async function ask(seed: number): Promise<string[]> {
  const names = Array.from({ length: JOBS }, (_, n) => `s${seed}-${String(n).padStart(3, '0')}`);
  const bodies: unknown[] = [];
  for (const [n, name] of names.entries()) {
    if (n % 2 === 0) {
      const params = { area: name };
      bodies.push({ kind: 'job', run: `run-${seed}`, task: 'text', params, sequence: '0', priority: 5 });
    } else {
      const key = `text/${name}.txt`;
      const { bytes, etag } = await stack.store('uploads').put(key, 'x'.repeat(1 + (n % 50)));
      const object = { key, size: bytes, eTag: etag, sequencer: n.toString(16).padStart(18, '0') };
      bodies.push({ Records: [{ eventName: 'ObjectCreated:Put', s3: { object } }] });
    }
  }
  const order = (body: string): number => chance(seed, 'order', body);
  const texts = bodies.map((body) => JSON.stringify(body)).toSorted((a, b) => order(a) - order(b));
  const jobs = new SqsQueue({ client: stack.aws.sqs, url: stack.queues.jobs.url });
  await jobs.send([...texts, ...texts.toReversed()]);
  return names;
}

const ended = (): number => log.lines.filter(({ event }) => event.startsWith('Job:End:')).length;

/** Sweeps every minute of the pipeline's time, until all jobs have ended and nothing is left to do. */
async function sweepUntilDone(sweep: (event: object) => Promise<void>, wanted: number): Promise<void> {
  const { aws, queues } = stack;
  const giveUp = clock.now() + 4 * 3_600_000;
  for (;;) {
    await clock.sleep(60_000);
    const left = await clock.busy(async () => {
      await sweep({});
      return await Promise.all(QUEUES.map(async (name) => await messagesIn(aws.sqs, queues[name].url)));
    });
    if (ended() >= wanted && left.every((messages) => messages === 0)) return;
    if (clock.now() > giveUp) throw new Error(`After four hours ${ended()} of ${wanted} jobs have ended`);
  }
}

/** All of it, until everything has stopped. */
async function carryThrough(seed: number): Promise<{ names: string[]; ecs: EcsDouble }> {
  log.lines.length = 0;
  const { dispatch, validate, metadata, settle, sweep } = await lambdas();
  const ecs = await startChaos(stack, { seed, clock, port, settle });
  port = Number(new URL(ecs.endpoint).port);
  process.env.AWS_ENDPOINT_URL_ECS = ecs.endpoint;
  const forgets = ({ MessageId = '', Attributes }: Message): boolean =>
    chance(seed, 'forget', MessageId, Attributes?.ApproximateReceiveCount ?? '') < 0.05;
  const source = (
    queue: (typeof QUEUES)[number],
    handler: (event: SQSEvent) => Promise<SQSBatchResponse>,
    { concurrency, batchSize }: { concurrency: number; batchSize: number },
  ) =>
    eventSource({
      sqs: stack.aws.sqs,
      url: stack.queues[queue].url,
      handler,
      concurrency,
      batchSize,
      clock,
      forgets,
    });
  const sources = [
    source('jobs', dispatch, { concurrency: 3, batchSize: 10 }),
    source('wake', dispatch, { concurrency: 3, batchSize: 10 }),
    source('validate', validate, { concurrency: 2, batchSize: 1 }),
    source('metadata', metadata, { concurrency: 2, batchSize: 1 }),
  ];
  try {
    const names = await clock.busy(async () => await ask(seed));
    await sweepUntilDone(sweep, names.length);
    await ecs.idle();
    return { names, ecs };
  } finally {
    for (const one of sources) await one.stop();
    await ecs.stop();
  }
}

async function jobsOf(seed: number): Promise<Job[]> {
  const found: Job[] = [];
  for await (const key of records.list(keys.jobs)) {
    const read = await records.read<Job>(key);
    if (read?.value.name.startsWith(`s${seed}-`)) found.push(read.value);
  }
  return found;
}

async function listed(bucket: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of stack.store(bucket).list(prefix)) found.push(key);
  return found;
}

const sorted = (texts: unknown[]): string[] =>
  texts.map(String).toSorted((a, b) => (a < b ? -1 : Number(a > b)));

test.each(SEEDS)(
  'whatever happens, every job is published exactly once, and never more than maxTasks containers run (seed %i)',
  async (seed) => {
    const { names, ecs } = await carryThrough(seed);
    const jobs = await jobsOf(seed);

    // Each once: in the ledger, in the log, in the output bucket.
    expect(jobs.filter(({ state }) => state !== 'published')).toEqual([]);
    expect(sorted(jobs.map(({ name }) => name))).toEqual(names);
    const told = log.lines.filter(({ event }) => event === 'Job:End:Published');
    expect(sorted(told.map(({ name }) => name))).toEqual(names);
    const files = ['about.json', 'out.txt', 'receipt.json'];
    expect(await listed('output', `text/s${seed}-`)).toEqual(
      names.flatMap((name) => files.map((file) => `text/${name}/${file}`)),
    );

    // Each attempt is one task, and each task one attempt. Never too many at once, and no fewer than there was room for.
    const attempts = jobs.flatMap(({ id, attempts: tries }) =>
      tries.map(({ attempt }) => `longshore/${id}/${attempt}`),
    );
    const tasks = [...ecs.state.tasks.values()].map(({ startedBy }) => startedBy);
    expect(sorted(tasks)).toEqual(sorted(attempts));
    expect(ecs.state.held.most).toBe(MAX_TASKS);

    // Nothing is left.
    for (const name of QUEUES)
      expect(await messagesIn(stack.aws.sqs, stack.queues[name].deadLetters)).toBe(0);
    expect((await records.read<Admission>(keys.admission))?.value.entries).toEqual([]);
    expect(await listed('state', 'ledger/waiting/')).toEqual([]);
    expect(await listed('state', 'ledger/delayed/')).toEqual([]);
    expect(await listed('quarantine', '')).toEqual([]);

    // And it was chaos: all that may go wrong did.
    const met = new Set(jobs.map(({ id }) => fateOf(seed, id)?.name));
    for (const { name } of FATES) expect(met).toContain(name);
    expect(ecs.events.lost).toBeGreaterThan(JOBS / 4);
    const launches = (event: string): number => log.lines.filter((line) => line.event === event).length;
    expect(launches('Task:Launch:Wait')).toBeGreaterThan(5);
    expect(launches('Task:Launch:Unknown')).toBeGreaterThan(2);
  },
  600_000,
);
