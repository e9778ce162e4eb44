/** What the Lambdas of the chaos test stand on: buckets, queues with dead-letter queues, the environment, and an ECS that fails. */
import { S3Store } from '../../../lib/aws/s3-store.ts';
import type { JumpingClock } from '../../doubles/ecs/clock.ts';
import type { TaskStateChange } from '../../doubles/ecs/events.ts';
import { startEcsDouble, type EcsDouble } from '../../doubles/ecs/server.ts';
import { startS3, type S3Double } from '../../doubles/s3.ts';
import { redrivenQueue } from './event-source.ts';
import { fates } from './fates.ts';

export const QUEUES = ['jobs', 'wake', 'validate', 'metadata'] as const;
export const MAX_TASKS = 24;
const CLUSTER = 'longshore-chaos';
const VISIBILITY_SECONDS = 180;
/** Settles at once. More of them would only wait for each other: two cores carry all of this. */
const SETTLES = 4;

export interface Stack {
  aws: S3Double;
  queues: Record<(typeof QUEUES)[number], { url: string; deadLetters: string }>;
  store: (bucket: string, prefix?: string) => S3Store;
}

/** Sets the environment of this process, as Lambda would. */
export async function startStack(): Promise<Stack> {
  const aws = await startS3();
  for (const bucket of ['uploads', 'output', 'quarantine', 'state']) aws.createBucket(bucket);
  const made = await Promise.all(
    QUEUES.map(async (name) => [name, await redrivenQueue(aws.sqs, name, VISIBILITY_SECONDS)] as const),
  );
  const queues = Object.fromEntries(made) as Stack['queues'];
  Object.assign(process.env, {
    ...aws.env,
    LONGSHORE_UPLOADS_BUCKET: 'uploads',
    LONGSHORE_OUTPUT_BUCKET: 'output',
    LONGSHORE_QUARANTINE_BUCKET: 'quarantine',
    LONGSHORE_STATE_BUCKET: 'state',
    LONGSHORE_JOBS_QUEUE: queues.jobs.url,
    LONGSHORE_WAKE_QUEUE: queues.wake.url,
    LONGSHORE_VALIDATE_QUEUE: queues.validate.url,
    LONGSHORE_METADATA_QUEUE: queues.metadata.url,
    LONGSHORE_MAX_TASKS: String(MAX_TASKS),
    LONGSHORE_LIMITS: '',
    LONGSHORE_ARCHITECTURE: 'x86_64',
    LONGSHORE_SPOT: 'true',
    LONGSHORE_STEP_TIMEOUT: '1200',
    POWERTOOLS_METRICS_DISABLED: 'true',
    LONGSHORE_CLUSTER: CLUSTER,
    LONGSHORE_TASK_FAMILY_PREFIX: 'longshore-chaos-',
    LONGSHORE_SUBNETS: 'subnet-1',
    LONGSHORE_SECURITY_GROUPS: 'sg-1',
    LONGSHORE_ASSIGN_PUBLIC_IP: 'true',
  });
  const store = (bucket: string, prefix = ''): S3Store => new S3Store({ client: aws.s3, bucket, prefix });
  return { aws, queues, store };
}

/** As resources/rules.yml chooses the events for settle. */
const isStop = ({ detail }: TaskStateChange): boolean =>
  detail.lastStatus === 'STOPPED' && (detail.startedBy ?? '').startsWith('longshore/');

/** `port`: the same for each seed, since the Lambdas keep their clients. */
export async function startChaos(
  { store }: Stack,
  {
    seed,
    clock,
    port,
    settle,
  }: { seed: number; clock: JumpingClock; port: number; settle: (event: TaskStateChange) => Promise<void> },
): Promise<EcsDouble> {
  const turns = atOnce(SETTLES);
  const stage = { image: 'stage', essential: false, stopTimeout: 120 };
  const afterMain = { containerName: 'main', condition: 'COMPLETE' } as const;
  return await startEcsDouble({
    port,
    clusters: [CLUSTER],
    taskDefinitions: [
      {
        family: 'longshore-chaos-text',
        networkMode: 'awsvpc',
        cpu: '1024',
        memory: '2048',
        containerDefinitions: [
          { ...stage, name: 'stage-in' },
          { ...stage, name: 'main', dependsOn: [{ containerName: 'stage-in', condition: 'SUCCESS' }] },
          { ...stage, name: 'stage-out', essential: true, dependsOn: [afterMain] },
        ],
      },
    ],
    containers: fates(seed, store('state', 'staging/'), clock),
    seed,
    clock,
    eventSink: async (event) => {
      if (isStop(event)) await turns(async () => await clock.busy(async () => await settle(event)));
    },
    events: { copies: 2, lose: (event) => (isStop(event) ? 1 / 3 : 0), lateSeconds: [0, 90] },
    refusals: {
      // Trouble seldom comes alone: what is asked again is refused every other time.
      share: (nth) => (nth === 0 ? 0.1 : 0.5),
      of: [
        'throttle',
        'throttleAsInvalidParameter',
        'throttleAsClientException',
        'noCapacity',
        'noResource',
        'vcpuQuota',
        'serverError',
        // The one that leaves a task behind: as often as the others together.
        ...Array.from({ length: 7 }, () => 'loseAnswer' as const),
      ],
    },
  });
}

/** Runs so many at once; the others wait for their turn. */
function atOnce(limit: number): (work: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
