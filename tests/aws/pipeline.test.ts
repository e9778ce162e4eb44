/**
 * The whole pipeline on AWS, as far as it can be had without an account: `serverless deploy` to an emulator that judges every
 * call by the stack's own policies, and our ECS, which runs the stack's task definitions in real containers.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { RunResult } from '../../cli/run-result.ts';
import { s3Config, sqsConfig } from '../../lib/aws/clients.ts';
import type { RunAnswer } from '../../lib/aws/run-one.ts';
import { isTerminal, type Job } from '../../lib/pipeline/job.ts';
import { outputKeys, quarantineKeys } from '../../lib/pipeline/keys.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { status, type Status } from '../../lib/pipeline/status.ts';
import { serveMirror, writeMirror, type Mirror } from '../../scripts/sample/mirror.ts';
import { startLongshore, type Ended } from '../tools/command.ts';
import { findRealData } from '../tools/real-data.ts';
import { startCloud, STAGE_NAME, type Cloud } from './support/cloud.ts';
import { missingForEmulator } from './support/needs.ts';
import { serverless } from './support/serverless.ts';
import { startSilentServer, type SilentServer } from './support/silent-server.ts';

jest.setTimeout(300_000);

const why = await missingForEmulator();
if (why !== undefined) console.warn(`The tests on the AWS emulator are skipped: ${why}`);

const TASK = 'osm-mapsforge';
/** A name as people give them: every character must come through notification, queue, ledger and container. */
const GOOD = 'principality/mo+na co ü';
const FUNCTIONS = ['dispatch', 'settle', 'validate', 'metadata', 'sweep', 'rebuild', 'run'];

(why === undefined ? describe : describe.skip)('the stack on an emulator', () => {
  let cloud: Cloud;
  let folder: string;
  let mirror: Mirror;
  let silent: SilentServer;
  let extract: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-e2e-'));
    const [drawn = ''] = await writeMirror(join(folder, 'mirror'));
    mirror = await serveMirror(join(folder, 'mirror'));
    silent = await startSilentServer();
    const data = findRealData(process.env);
    extract = data === undefined ? drawn : join(data, 'europe/monaco-latest.osm.pbf');
    cloud = await startCloud({
      // What becomes of this one, only the sweep can tell.
      loses: ({ detail }) => (detail.startedBy?.includes('-lost-') ? 1 : 0),
    });
  });

  afterAll(async () => {
    await cloud?.stop();
    await silent?.close();
    await mirror?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const onAws = async (...args: string[]): Promise<Ended> =>
    await startLongshore([...args, '--backend', 'aws'], cloud.env).ended;

  /** As anybody puts a file into the bucket. */
  async function drop(key: string, body: string | Buffer): Promise<void> {
    const s3 = new S3Client(s3Config());
    const Bucket = cloud.stack.LONGSHORE_UPLOADS_BUCKET;
    // With a tag, as some put on all they have: copies take it along, or are refused.
    await s3.send(
      new PutObjectCommand({ Bucket, Key: `${TASK}/${key}`, Body: body, Tagging: 'project=test' }),
    );
  }

  /** The only job of this name, when it has its receipt. */
  async function ended(name: string): Promise<{ job: Job; receipt: Receipt }> {
    for (;;) {
      const job = await jobNamed(name);
      if (job && isTerminal(job.state) && job.receipt !== undefined) {
        const { output, quarantine } = cloud.ctx.stores;
        const stream =
          job.state === 'published'
            ? await output.get(outputKeys.receipt(job))
            : await quarantine.get(quarantineKeys.receipt(job));
        return { job, receipt: JSON.parse(await text(stream)) as Receipt };
      }
      await sleep(500);
    }
  }

  async function jobNamed(name: string): Promise<Job | undefined> {
    for await (const key of cloud.ctx.records.list('jobs/')) {
      const job = await readJob(cloud.ctx, key.slice('jobs/'.length));
      if (job?.name === name) return job;
    }
    return undefined;
  }

  test('serverless deploy makes it of the package, and the command finds it', async () => {
    expect(cloud.deployed.stderr).toContain(`Service deployed to stack longshore-${STAGE_NAME}`);
    const told = await onAws('status', '--json');
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect((JSON.parse(told.stdout) as Status).jobs).toMatchObject({ running: 0, published: 0 });
    // What becomes of them is the next tests' affair; of the last one at the end, as the sweep comes once a minute.
    await drop(`${GOOD}.osm.pbf`, await readFile(extract));
    await drop('broken.osm.pbf', 'not a map at all');
    await drop('lost.osm.pbf', await readFile(extract));
  });

  test('a file that is put into the bucket is published, by the containers of one task', async () => {
    const { job, receipt } = await ended(GOOD);
    expect(receipt).toMatchObject({
      state: 'published',
      attempts: [{ attempt: 1, spot: true, cause: 'succeeded', exitCode: 0 }],
      imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      inputs: [
        {
          sha256: createHash('sha256')
            .update(await readFile(extract))
            .digest('hex'),
        },
      ],
    });
    const names = receipt.files.map((file) => file.name);
    expect(names).toEqual(expect.arrayContaining(['mo+na co ü.map', 'mo+na co ü.stac.json']));
    const map = receipt.files.find((file) => file.name.endsWith('.map'))!;
    const bytes = await buffer(await cloud.ctx.stores.output.get(map.key));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(map.sha256);
    expect(bytes.subarray(0, 20).toString()).toBe('mapsforge binary OSM');
    const Bucket = cloud.stack.LONGSHORE_OUTPUT_BUCKET;
    for (const { key, contentType } of receipt.files) {
      const { ContentType } = await new S3Client(s3Config()).send(
        new HeadObjectCommand({ Bucket, Key: key }),
      );
      expect([key, ContentType]).toEqual([key, contentType]);
    }
    // The task that ECS ran, as it tells it.
    const task = cloud.ecs.state.tasks.get(job.attempts[0]?.ref ?? '');
    expect(task?.containers.map((one) => [one.name, one.exitCode])).toEqual([
      ['stage-in', 0],
      // It has nothing to fetch.
      ['fetch', 0],
      ['main', 0],
      ['stage-out', 0],
    ]);
  });

  test('a file that is none is set aside with the reason', async () => {
    const { receipt } = await ended('broken');
    expect(receipt).toMatchObject({ state: 'quarantined', cause: 'bad-input', attempts: [{ exitCode: 65 }] });
    expect(receipt.reason).not.toBe('');
    const shown = await onAws('status', receipt.run);
    expect(shown.stdout).toContain(`quarantined: broken  (${receipt.job})`);
  });

  test('longshore retry tries it again, as the same job', async () => {
    const { job } = await ended('broken');
    expect(await onAws('retry', job.id)).toMatchObject({ code: 0 });
    // Its record is the truth, the receipt the last of it.
    const again = async (): Promise<Job | undefined> => await readJob(cloud.ctx, job.id);
    let now = await again();
    while (now?.attempts.length !== 2 || !isTerminal(now.state) || now.receipt === undefined) {
      await sleep(500);
      now = await again();
    }
    expect(now).toMatchObject({ state: 'quarantined', attempts: [{}, { cause: 'bad-input' }] });
  });

  test('the schedule’s function starts a manifest; the same time twice is the same run', async () => {
    const areas = ['sample/brack', 'sample/skerry'];
    const params = { mirror: mirror.url, freshness: 30 };
    const manifest = { name: 'world', task: TASK, params, areas };
    const s3 = new S3Client(s3Config());
    const Bucket = cloud.stack.LONGSHORE_STATE_BUCKET;
    await s3.send(
      new PutObjectCommand({ Bucket, Key: 'manifests/world.json', Body: JSON.stringify(manifest) }),
    );
    const event = JSON.stringify({ time: '2026-12-01T03:00:00Z' });
    const args = ['invoke', '-f', 'rebuild', '--stage', STAGE_NAME, '-d', event];
    const invoked = [await serverless(args, cloud.env), await serverless(args, cloud.env)];
    expect(invoked).toMatchObject([{ code: 0 }, { code: 0 }]);
    const [first, second] = invoked.map(({ stdout }) => JSON.parse(stdout) as { run: string; jobs: number });
    expect(first).toMatchObject({ jobs: 2 });
    expect(second).toEqual(first);
    for (const area of areas) expect((await ended(area)).receipt.state).toBe('published');
    const { jobs } = await status(cloud.ctx, { run: first!.run });
    expect(jobs).toMatchObject({ published: 2, waiting: 0, running: 0, failed: 0 });
  });

  test('longshore rebuild plans a manifest, and makes nothing that is fresh', async () => {
    const file = join(folder, 'again.json');
    const areas = ['sample/brack', 'sample/skerry'];
    const params = { mirror: mirror.url, freshness: 30 };
    await writeFile(file, JSON.stringify({ name: 'again', task: TASK, params, areas }));
    const planned = await onAws('rebuild', file, '--plan', '--json');
    expect(planned).toMatchObject({ code: 0 });
    const before = cloud.ecs.state.tasks.size;
    const made = await onAws('rebuild', file, '--json');
    expect(made).toMatchObject({ code: 0 });
    expect(cloud.ecs.state.tasks.size).toBe(before);
  });

  test('serverless invoke -f run does one job, and answers with what is published', async () => {
    const request = { task: TASK, params: { area: 'sample/holm', mirror: mirror.url }, wait: true };
    const args = ['invoke', '-f', 'run', '--stage', STAGE_NAME, '-d', JSON.stringify(request)];
    const { code, stdout } = await serverless(args, cloud.env);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as RunAnswer;
    expect(answer).toMatchObject({ state: 'published', attempts: 1, seconds: expect.any(Number) });
    expect(answer.outputs?.map(({ uri }) => uri)).toEqual(
      expect.arrayContaining([expect.stringMatching(/sample\/holm\/holm\.map$/)]),
    );
  });

  test('longshore run brings its file, waits, and tells what is published', async () => {
    const file = join(folder, 'mine.osm.pbf');
    await copyFile(extract, file);
    const ran = await onAws('run', TASK, file, '--json');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(ran.stdout) as RunResult;
    expect(result).toMatchObject({ state: 'published', attempts: 1 });
    expect(result.outputs.map(({ uri }) => uri)).toEqual(
      expect.arrayContaining([expect.stringContaining('/mine/mine.map')]),
    );
    const log = await onAws('logs', result.job);
    expect(log.stdout).toMatch(/Writer:Write:Done/);
  });

  test('a running job can be listened to and cancelled', async () => {
    // It has much to say before it asks for the land, and then waits for that.
    const file = join(folder, 'endless.osm.pbf');
    await copyFile(extract, file);
    const set = ['--set', `land=${silent.url}/land.fgb`];
    const started = await onAws('run', TASK, file, ...set, '--no-wait', '--json');
    const { job, run } = JSON.parse(started.stdout) as RunResult;
    while (!(await onAws('logs', job)).stdout.includes('Job:Plan:Done')) await sleep(500);
    // Its log is not with the attempt yet: these lines came from CloudWatch.
    expect(await readJob(cloud.ctx, job)).toMatchObject({ state: 'running', phase: 'processing' });
    expect((await onAws('status', run)).stdout).toMatch(new RegExp(`${job}\\s+endless\\s+1\\s+processing`));

    const following = startLongshore(['logs', job, '--follow', '--json', '--backend', 'aws'], cloud.env);
    expect(await onAws('cancel', job)).toMatchObject({ code: 0, stdout: `${job}  is being stopped\n` });
    const followed = await following.ended;
    expect(followed).toMatchObject({ code: 0 });
    expect(await readJob(cloud.ctx, job)).toMatchObject({ state: 'cancelled', cause: 'cancelled' });
    // The same lines, each once, as are kept now that it has ended.
    expect(followed.stdout).toBe((await onAws('logs', job, '--json')).stdout);
  });

  test('a stop that no event told is found by the sweep, which runs every minute', async () => {
    const { receipt } = await ended('lost');
    expect(receipt).toMatchObject({ state: 'published', attempts: [{ cause: 'succeeded' }] });
  });

  test('doctor finds everything but the images, which nobody has pushed', async () => {
    const { code, stdout } = await onAws('doctor', '--json');
    const findings = JSON.parse(stdout) as { verdict: string; what: string; todo?: string }[];
    const missing = findings.filter(({ verdict }) => verdict === 'missing');
    expect(missing.length).toBeGreaterThan(0);
    for (const { what, todo } of missing) {
      expect(what).toMatch(/^image .*longshore-test\/longshore\//);
      expect(todo).toMatch(/longshore image push \S+ --registry 000000000000\.dkr\.ecr\.us-east-1/);
    }
    expect(code).toBe(3);
  });

  test('a container may read uploads and stage outputs, and nothing else', async () => {
    const ledger = `jobs/${(await jobNamed('broken'))?.id}`;
    const role = {
      accessKeyId: cloud.taskRole.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: cloud.taskRole.AWS_SECRET_ACCESS_KEY ?? '',
      sessionToken: cloud.taskRole.AWS_SESSION_TOKEN ?? '',
    };
    const s3 = new S3Client({ ...s3Config(), credentials: role });
    const { LONGSHORE_STATE_BUCKET, LONGSHORE_OUTPUT_BUCKET, LONGSHORE_UPLOADS_BUCKET } = cloud.stack;
    const denied = { name: 'AccessDenied' };
    const read = async (Bucket: string | undefined, Key: string) =>
      await s3.send(new GetObjectCommand({ Bucket, Key }));
    const put = async (Bucket: string | undefined, Key: string) =>
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    await expect(read(LONGSHORE_UPLOADS_BUCKET, `${TASK}/broken.osm.pbf`)).resolves.toBeDefined();
    await expect(put(LONGSHORE_STATE_BUCKET, 'staging/some-job/1/output/x')).resolves.toBeDefined();
    await expect(read(LONGSHORE_STATE_BUCKET, `ledger/${ledger}`)).rejects.toMatchObject(denied);
    await expect(put(LONGSHORE_STATE_BUCKET, 'ledger/jobs/x')).rejects.toMatchObject(denied);
    await expect(put(LONGSHORE_OUTPUT_BUCKET, `${TASK}/x`)).rejects.toMatchObject(denied);
    await expect(put(LONGSHORE_UPLOADS_BUCKET, `${TASK}/x.osm.pbf`)).rejects.toMatchObject(denied);
  });

  test('no function was refused anything, failed, or left a message behind', async () => {
    const logs = new CloudWatchLogsClient({});
    const said = await Promise.all(
      FUNCTIONS.map(async (name) => {
        const logGroupName = `/aws/lambda/longshore-${STAGE_NAME}-${name}`;
        const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
        return events.map(({ message = '' }) => `${name}: ${message}`);
      }),
    );
    const all = [...said.flat(), ...(await cloud.emulator.log()).split('\n')];
    expect(all.filter((line) => /AccessDenied|not authorized|"level":"error"/.test(line))).toEqual([]);
    for (const name of FUNCTIONS) expect(all.some((line) => line.startsWith(`${name}: `))).toBe(true);
    // The areas told that they had their extracts, while they ran.
    expect(all).toContainEqual(
      expect.stringMatching(
        /^settle: .*"Task:Change:Seen"(?=.*"fetched":true)(?=.*"status":"(pending|running)")/,
      ),
    );
    const sqs = new SQSClient(sqsConfig());
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'longshore-' }));
    expect(QueueUrls.length).toBeGreaterThanOrEqual(7);
    for (const QueueUrl of QueueUrls.filter((url) => url.endsWith('-dead'))) {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
      );
      expect([QueueUrl, Attributes?.ApproximateNumberOfMessages]).toEqual([QueueUrl, '0']);
    }
  });
});
