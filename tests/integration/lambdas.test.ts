/**
 * The Lambdas through their front doors, with S3 and SQS by fauxqs and ECS by our double. What runs in a task runs here as
 * the same three steps: stage-in, the command under run.sh, stage-out, each a process of its own on a shared folder.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { SqsQueue } from '../../lib/aws/sqs-queue.ts';
import { S3Store } from '../../lib/aws/s3-store.ts';
import { START, START_FETCH, VOLUME } from '../../lib/aws/task-definition.ts';
import { S3Records } from '../../lib/aws/s3-records.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import { keys, parseTurn, quarantineKeys } from '../../lib/pipeline/keys.ts';
import { planKeys, type Plan } from '../../lib/pipeline/plan.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { serveMirror, writeMirror, type Mirror } from '../../scripts/sample/mirror.ts';
import { tempFolder, type TempFolder } from '../contract/support/temp.ts';
import { startEcs, type EcsDouble } from '../doubles/ecs/server.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';
import type { TaskRecord } from '../doubles/ecs/state.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const QUEUES = ['jobs', 'wake', 'validate', 'metadata'] as const;

let aws: S3Double;
let ecs: EcsDouble;
let temp: TempFolder;
let mirror: Mirror;
let env: Record<string, string>;
const before = { ...process.env };
const queues = {} as Record<(typeof QUEUES)[number], SqsQueue>;
const store = (bucket: string, prefix = ''): S3Store => new S3Store({ client: aws.s3, bucket, prefix });

type Handler = (event: unknown, context: Context) => Promise<unknown>;
const handlers = {} as Record<
  'dispatch' | 'settle' | 'validate' | 'metadata' | 'sweep' | 'rebuild' | 'run',
  Handler
>;

beforeAll(async () => {
  aws = await startS3();
  for (const bucket of ['uploads', 'output', 'quarantine', 'state']) aws.createBucket(bucket);
  ecs = await startEcs({
    clusters: ['longshore-test'],
    families: { 'longshore-test-osm-mapsforge': ['stage-in', 'fetch', 'main', 'stage-out'] },
  });
  temp = await tempFolder('lambdas');
  await writeMirror(join(temp.path, 'mirror'));
  mirror = await serveMirror(join(temp.path, 'mirror'));
  const urls = Object.fromEntries(QUEUES.map((name) => [name, aws.createQueue(name)]));
  for (const name of QUEUES) queues[name] = new SqsQueue({ client: aws.sqs, url: urls[name] ?? '' });
  env = {
    ...aws.env,
    AWS_ENDPOINT_URL_ECS: ecs.endpoint,
    LONGSHORE_UPLOADS_BUCKET: 'uploads',
    LONGSHORE_OUTPUT_BUCKET: 'output',
    LONGSHORE_QUARANTINE_BUCKET: 'quarantine',
    LONGSHORE_STATE_BUCKET: 'state',
    LONGSHORE_JOBS_QUEUE: urls.jobs ?? '',
    LONGSHORE_WAKE_QUEUE: urls.wake ?? '',
    LONGSHORE_VALIDATE_QUEUE: urls.validate ?? '',
    LONGSHORE_METADATA_QUEUE: urls.metadata ?? '',
    LONGSHORE_MAX_TASKS: '2',
    LONGSHORE_LIMITS: `mirror:${new URL(mirror.url).host}=1`,
    LONGSHORE_ARCHITECTURE: 'x86_64',
    LONGSHORE_SPOT: 'true',
    LONGSHORE_STEP_TIMEOUT: '1200',
    LONGSHORE_LOG_LEVEL: 'critical',
    POWERTOOLS_METRICS_DISABLED: 'true',
    LONGSHORE_CLUSTER: 'longshore-test',
    LONGSHORE_TASK_FAMILY_PREFIX: 'longshore-test-',
    LONGSHORE_SUBNETS: 'subnet-1',
    LONGSHORE_SECURITY_GROUPS: 'sg-1',
    LONGSHORE_ASSIGN_PUBLIC_IP: 'true',
    LONGSHORE_MANIFEST: 'manifests/world.json',
    LONGSHORE_REBUILD_PERIOD: 'month',
    LONGSHORE_MAX_COST: '',
  };
  // As in Lambda: the modules read it once, when they are loaded.
  Object.assign(process.env, env);
  for (const name of Object.keys(HANDLERS) as (keyof typeof handlers)[]) {
    handlers[name] = (await HANDLERS[name]()).handler as unknown as Handler;
  }
}, 60_000);
afterAll(async () => {
  process.env = before;
  await ecs.stop();
  await aws.stop();
  await mirror.close();
  await temp.remove();
});

const HANDLERS = {
  dispatch: async () => await import('../../functions/dispatch.ts'),
  settle: async () => await import('../../functions/settle.ts'),
  validate: async () => await import('../../functions/validate.ts'),
  metadata: async () => await import('../../functions/metadata.ts'),
  sweep: async () => await import('../../functions/sweep.ts'),
  rebuild: async () => await import('../../functions/rebuild.ts'),
  run: async () => await import('../../functions/run.ts'),
};

const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
const invoke = async <T>(name: keyof typeof handlers, event: unknown): Promise<T> =>
  (await handlers[name](event, context)) as T;

const sqsEvent = (bodies: string[]): SQSEvent =>
  ({ Records: bodies.map((body, index) => ({ messageId: `m${index}`, body })) }) as unknown as SQSEvent;

/** A file arrives as S3 tells it. */
async function drop(key: string, content: string): Promise<string> {
  const { etag, bytes } = await store('uploads').put(key, content);
  sequencer += 1;
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.3',
        eventName: 'ObjectCreated:Put',
        s3: {
          object: {
            key: encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+'),
            size: bytes,
            eTag: etag,
            sequencer: sequencer.toString(16).toUpperCase().padStart(18, '0'),
          },
        },
      },
    ],
  });
}
let sequencer = 0;

const ledger = (): S3Records => new S3Records({ client: aws.s3, bucket: 'state', prefix: 'ledger/' });

const jobOf = async (id: string): Promise<Job> => {
  const read = await ledger().read<Job>(keys.job(id));
  if (!read) throw new Error(`There is no job ${id}`);
  return read.value;
};

const jobOfTask = async (task: TaskRecord): Promise<Job> => await jobOf(task.startedBy?.split('/')[1] ?? '');

const receiptOf = async (job: Job): Promise<Receipt> =>
  JSON.parse(await text(await store('quarantine').get(quarantineKeys.receipt(job)))) as Receipt;

/**
 * What a task does, by the same programs; `command` and `fetch` stand for the image. Returns the exit code of each step that
 * ran. `fetched` is called when the second is done.
 */
async function carryOut(
  task: TaskRecord,
  command: string,
  {
    fetch = 'exit 1',
    fetched,
  }: { fetch?: string; fetched?: (codes: Record<string, number>) => Promise<void> } = {},
): Promise<Record<string, number>> {
  const [, job = '', attempt = ''] = task.startedBy?.split('/') ?? [];
  const volume = join(temp.path, job, attempt);
  const stage = async (script: string): Promise<number> =>
    await exitCode(process.execPath, [join(root, 'containers/stage', script)], {
      ...env,
      LONGSHORE_LAUNCH: `${job}/${attempt}`,
      LONGSHORE_VOLUME: volume,
    });
  const codes: Record<string, number> = { 'stage-in': await stage('stage-in.ts') };
  if (codes['stage-in'] !== 0) return codes;
  // The task definition's own words, on another volume.
  const own = async (start: string, words: string): Promise<number> =>
    await exitCode('sh', ['-c', start.replaceAll(VOLUME, volume), 'longshore', 'sh', '-c', words, 'sh'], {
      TMPDIR: `${volume}/tmp`,
      LONGSHORE_CGROUP: '',
    });
  codes.fetch = await own(START_FETCH, fetch);
  await fetched?.(codes);
  codes.main = await own(START, command);
  codes['stage-out'] = await stage('stage-out.ts');
  return codes;
}

async function exitCode(file: string, args: string[], variables: Record<string, string>): Promise<number> {
  return await new Promise((resolve) => {
    execFile(file, args, { env: { PATH: process.env.PATH ?? '', ...variables } }, (error) => {
      resolve(error ? Number(error.code) : 0);
    });
  });
}

const iso = (seconds = 0): string => new Date(seconds * 1000).toISOString();

/** The change of a task's containers while it runs, as the event. */
function change(task: TaskRecord, codes: Record<string, number>) {
  const changed = ecs.change(task.taskArn, {
    lastStatus: 'PENDING',
    containers: CONTAINERS.map((name) => {
      const code = codes[name];
      return {
        name,
        lastStatus: code === undefined ? 'PENDING' : 'STOPPED',
        ...(code === undefined ? {} : { exitCode: code }),
      };
    }),
  });
  return { 'detail-type': 'ECS Task State Change', detail: changed };
}

const CONTAINERS = ['stage-in', 'fetch', 'main', 'stage-out'];

/** The task's end: as DescribeTasks tells it from now on, and as the event. */
function end(task: TaskRecord, codes: Record<string, number>, secondsAgo = 0) {
  const stopped = ecs.change(task.taskArn, {
    lastStatus: 'STOPPED',
    stopCode: codes.main === undefined ? 'TaskFailedToStart' : 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
    pullStartedAt: Date.now() / 1000 - 90,
    startedAt: Date.now() / 1000 - 60,
    stoppedAt: Date.now() / 1000 - secondsAgo,
    containers: CONTAINERS.map((name) => {
      const code = codes[name];
      return { name, lastStatus: 'STOPPED', ...(code === undefined ? {} : { exitCode: code }) };
    }),
  });
  return {
    'detail-type': 'ECS Task State Change',
    detail: {
      ...stopped,
      pullStartedAt: iso(stopped.pullStartedAt),
      startedAt: iso(stopped.startedAt),
      stoppedAt: iso(stopped.stoppedAt),
    },
  };
}

/** SQS brings what settle and the steps after it have told: among it, which slots are free. */
async function wakeUp(): Promise<void> {
  for (;;) {
    const messages = await queues.wake.receive();
    if (messages.length === 0) return;
    await invoke('dispatch', sqsEvent(messages.map(({ body }) => body)));
    for (const message of messages) await message.ack();
  }
}

async function launched(key: string, content: string): Promise<{ job: Job; task: TaskRecord }> {
  await wakeUp();
  const known = new Set(ecs.state.tasks.keys());
  const message = await drop(key, content);
  expect(await invoke<SQSBatchResponse>('dispatch', sqsEvent([message]))).toEqual({ batchItemFailures: [] });
  await wakeUp();
  const task = [...ecs.state.tasks.values()].find(({ taskArn }) => !known.has(taskArn));
  if (!task) throw new Error('No task was started');
  return { job: await jobOfTask(task), task };
}

test('a dropped file whose container says it is bad is set aside with the reason', async () => {
  const { job, task } = await launched('osm-mapsforge/a b+ü.osm.pbf', 'not a map at all');
  expect(job).toMatchObject({ state: 'running', phase: 'processing', name: 'a b+ü' });
  const codes = await carryOut(
    task,
    'test "$(cat "$1/a b+ü.osm.pbf")" = "not a map at all" && echo "It is text: $LONGSHORE_NAME" >&2; exit 65',
  );
  expect(codes).toEqual({ 'stage-in': 0, fetch: 0, main: 65, 'stage-out': 0 });
  const event = end(task, codes);
  await invoke('settle', event);
  await invoke('settle', event);
  const settled = await jobOf(job.id);
  expect(settled).toMatchObject({ state: 'quarantined', cause: 'bad-input', reason: 'It is text: a b+ü' });
  expect(await receiptOf(settled)).toMatchObject({
    attempts: [{ cause: 'bad-input', exitCode: 65, seconds: expect.any(Number) }],
    inputs: [{ uri: 's3://uploads/osm-mapsforge/a%20b+ü.osm.pbf', sha256: expect.any(String) }],
  });
  expect(await text(await store('quarantine').get(quarantineKeys.input(job, 'a b+ü.osm.pbf')))).toBe(
    'not a map at all',
  );
}, 60_000);

test('outputs that are no map are found by validate, though the container was content', async () => {
  const { job, task } = await launched('osm-mapsforge/good.osm.pbf', 'an extract');
  const codes = await carryOut(task, 'for end in map poi extents.txt; do echo x > "$2/good.$end"; done');
  expect(codes).toEqual({ 'stage-in': 0, fetch: 0, main: 0, 'stage-out': 0 });
  await invoke('settle', end(task, codes));
  expect(await jobOf(job.id)).toMatchObject({ state: 'running', phase: 'validating' });
  const steps = (await queues.validate.receive()).map(({ body }) => body);
  expect(steps).toHaveLength(1);
  expect(await invoke<SQSBatchResponse>('validate', sqsEvent(steps))).toEqual({ batchItemFailures: [] });
  const ended = await jobOf(job.id);
  expect(ended).toMatchObject({ state: 'quarantined', cause: 'invalid-output' });
  expect(await receiptOf(ended)).toMatchObject({
    files: expect.arrayContaining([expect.objectContaining({ name: 'good.map', bytes: 2 })]),
  });
  // A step that comes late finds nothing to do.
  expect(await invoke<SQSBatchResponse>('metadata', sqsEvent(steps))).toEqual({ batchItemFailures: [] });
}, 60_000);

test('an input that is gone when stage-in looks for it never starts main, and is told so', async () => {
  const { job, task } = await launched('osm-mapsforge/gone.osm.pbf', 'soon gone');
  await store('uploads').delete('osm-mapsforge/gone.osm.pbf');
  const codes = await carryOut(task, 'exit 0');
  expect(codes).toEqual({ 'stage-in': 1 });
  await invoke('settle', end(task, codes));
  const ended = await jobOf(job.id);
  expect(ended.cause).toBe('input-changed');
  expect(ended.reason).toContain('is gone');
}, 60_000);

test('a stop that no event told is found by the sweep', async () => {
  const { job, task } = await launched('osm-mapsforge/lost.osm.pbf', 'x');
  const codes = await carryOut(task, 'echo "Bad again" >&2; exit 65');
  // Half a minute ago: until then the event may still come.
  end(task, codes, 31);
  await invoke('sweep', {});
  expect(await jobOf(job.id)).toMatchObject({ state: 'quarantined', reason: 'Bad again' });
}, 60_000);

test('maxTasks holds, what waits is started when there is room, and the same event twice is one job', async () => {
  await wakeUp();
  const messages = await Promise.all(
    ['1', '2', '3'].map((n) => drop(`osm-mapsforge/m${n}.osm.pbf`, n.repeat(9))),
  );
  const known = ecs.state.tasks.size;
  await invoke('dispatch', sqsEvent([...messages, ...messages]));
  await wakeUp();
  expect(ecs.state.tasks.size - known).toBe(2);
  const [first] = [...ecs.state.tasks.values()].slice(known);
  await invoke('settle', end(first!, await carryOut(first!, 'exit 65')));
  await wakeUp();
  expect(ecs.state.tasks.size - known).toBe(3);
  for (const task of [...ecs.state.tasks.values()].slice(known + 1)) {
    await invoke('settle', end(task, await carryOut(task, 'exit 65')));
  }
  await wakeUp();
  expect(ecs.state.tasks.size - known).toBe(3);
}, 60_000);

test('an area gives back its share of the mirror when its extract is there, and ends as its fetching does', async () => {
  await wakeUp();
  const known = ecs.state.tasks.size;
  const started = (): TaskRecord[] => [...ecs.state.tasks.values()].slice(known);
  for (const area of ['sample/holm', 'sample/brack'])
    await invoke('run', { task: 'osm-mapsforge', params: { area, mirror: mirror.url } });
  await wakeUp();
  const [first] = started();
  expect(started()).toHaveLength(1);
  const codes = await carryOut(first!, 'cat "$TMPDIR/there" >&2; exit 65', {
    fetch: 'echo "$AREA is here" >"$TMPDIR/there"',
    fetched: async (soFar) => {
      await invoke('settle', change(first!, { 'stage-in': 0 }));
      await wakeUp();
      expect(started()).toHaveLength(1);
      await invoke('settle', change(first!, soFar));
      await wakeUp();
      expect(started()).toHaveLength(2);
    },
  });
  expect(codes).toEqual({ 'stage-in': 0, fetch: 0, main: 65, 'stage-out': 0 });
  await invoke('settle', end(first!, codes));
  expect(await jobOfTask(first!)).toMatchObject({ cause: 'bad-input', reason: 'sample/holm is here' });

  const second = started()[1]!;
  const failed = await carryOut(second, 'exit 0', { fetch: 'echo "There is no such area" >&2; exit 65' });
  expect(failed).toEqual({ 'stage-in': 0, fetch: 65, main: 1, 'stage-out': 0 });
  await invoke('settle', end(second, failed));
  expect(await jobOfTask(second)).toMatchObject({ cause: 'bad-input', reason: 'There is no such area' });
}, 60_000);

test('a launch for which Fargate has no room leaves the job waiting, with no attempt counted', async () => {
  await wakeUp();
  const message = await drop('osm-mapsforge/throttled.osm.pbf', 'throttled');
  ecs.refuse({ failures: [{ reason: 'RESOURCE:FARGATE' }] });
  const known = ecs.state.tasks.size;
  await invoke('dispatch', sqsEvent([message]));
  await wakeUp();
  expect(ecs.state.tasks.size).toBe(known);
  const asked = ecs.state.calls.findLast(({ action }) => action === 'RunTask')?.input;
  const id = String(asked?.startedBy).split('/')[1] ?? '';
  expect(await jobOf(id)).toMatchObject({ state: 'waiting', attempts: [] });
}, 60_000);

const holmFrom = (run: string, url: string): string =>
  JSON.stringify({
    kind: 'job',
    run,
    task: 'osm-mapsforge',
    params: { area: 'sample/holm', mirror: url },
    priority: 0,
    sequence: '0',
  });

test('a message whose mirror is silent fails alone, before the function’s time is over', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const answer = await handlers.dispatch(
    sqsEvent([holmFrom('silent', url), holmFrom('spoken', mirror.url)]),
    {
      getRemainingTimeInMillis: () => 10_000,
    } as Context,
  );
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
  silent.closeAllConnections();
  silent.close();
}, 60_000);

test('a message that nobody understands fails alone', async () => {
  const message = await drop('osm-mapsforge/fine.csv', 'not an extract');
  const answer = await invoke<SQSBatchResponse>('dispatch', sqsEvent(['{"kind":"nonsense"}', message]));
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
});

test('one job by hand is accepted at once, or refused with its reason', async () => {
  const answer = await invoke<{ job: string }>('run', {
    task: 'osm-mapsforge',
    params: { type: 'hdd' },
    wait: true,
  });
  expect(answer).toMatchObject({ state: 'quarantined', attempts: 0, reason: expect.stringContaining('hdd') });
  expect(await jobOf(answer.job)).toMatchObject({ cause: 'bad-parameter', priority: 0 });
  await expect(invoke('run', { task: '' })).rejects.toThrow('A request looks like');
  await expect(invoke('run', { task: 'osm-mapsforge', input: 'nowhere' })).rejects.toThrow(
    'There is no file s3://uploads/nowhere',
  );
});

test('the rebuild plans the manifest and accepts its jobs, largest first; the schedule twice is the same run', async () => {
  await drain();
  mirror.requests.splice(0);
  await store('state').put(
    'manifests/islands.json',
    JSON.stringify({ task: 'osm-mapsforge', index: `${mirror.url}/index-v1.json`, exclude: ['skerry'] }),
  );
  const event = { time: '2026-12-01T03:00:00Z', manifest: 'manifests/islands.json', maxCostUsd: 5 };
  const first = await invoke<{ run: string; jobs: number }>('rebuild', event);
  expect(first).toMatchObject({
    run: 'islands-2026-12',
    manifest: 's3://state/manifests/islands.json',
    jobs: 2,
    fresh: 0,
  });
  const asked = mirror.requests.length;
  expect(await invoke('rebuild', event)).toEqual(first);
  // The index again, and no area.
  expect(mirror.requests).toHaveLength(asked + 1);
  await expect(invoke('rebuild', { ...event, maxCostUSD: 5 })).rejects.toThrow('maxCostUSD');
  await store('state').put('manifests/latin.json', Buffer.from('{"name":"Île"}', 'latin1'));
  await expect(invoke('rebuild', { manifest: 'manifests/latin.json' })).rejects.toThrow('no text in UTF-8');
  await expect(invoke('rebuild', { ...event, run: '../elsewhere' })).rejects.toThrow('letters, digits');

  const waiting: string[] = [];
  for await (const key of ledger().list('waiting/5/')) waiting.push(parseTurn(key).job);
  const jobs = await Promise.all(waiting.map(async (id) => await jobOf(id)));
  expect(jobs.map(({ name, run, params }) => [name, run, params['mirror']])).toEqual([
    ['sample/holm', first.run, mirror.url],
    ['sample/brack', first.run, mirror.url],
  ]);
  const plan = JSON.parse(await text(await store('output').get(planKeys.plan(first.run)))) as Plan;
  expect(plan).toMatchObject({ maxCostUsd: 5, jobs: [{ name: 'sample/holm' }, { name: 'sample/brack' }] });
  const areas = JSON.parse(await text(await store('output').get(planKeys.areas(first.run)))) as object;
  expect(areas).toMatchObject({ features: [{ properties: { name: 'sample/brack' } }, {}] });
  expect(await drain()).toContain('{"kind":"wake"}');
});

/** All that is in the queue of wake-ups. */
async function drain(): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const messages = await queues.wake.receive();
    if (messages.length === 0) return bodies;
    for (const message of messages) await message.ack();
    bodies.push(...messages.map(({ body }) => body));
  }
}

test('a granule of several files is one job with all of them, whichever invocation sees the last', async () => {
  const list = JSON.stringify({ files: ['a.hdf5', { name: 'b.hdf5', size: 3, md5: 'ab'.repeat(16) }] });
  const messages = [
    await drop('hdf5-netcdf/flight.granule/b.hdf5', 'two'),
    await drop('hdf5-netcdf/flight.granule/list.cnm.json', list),
    await drop('hdf5-netcdf/flight.granule/a.hdf5', 'one'),
  ];
  const answers = await Promise.all(
    messages.map(async (body) => await invoke<SQSBatchResponse>('dispatch', sqsEvent([body]))),
  );
  expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);
  const jobs: Job[] = [];
  for await (const key of ledger().list(keys.jobs))
    if (key.includes('hdf5-netcdf')) jobs.push((await ledger().read<Job>(key))!.value);
  expect(jobs).toHaveLength(1);
  expect(jobs[0]).toMatchObject({
    name: 'flight',
    state: 'waiting',
    inputs: [
      { name: 'a.hdf5', bytes: 3 },
      { name: 'b.hdf5', declared: { md5: 'ab'.repeat(16), by: 'list.cnm.json' } },
      { name: 'list.cnm.json' },
    ],
  });
}, 60_000);
