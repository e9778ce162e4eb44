/** The job record: the whole truth about one job, kept at `jobs/<id>` in the ledger and replaced by compare-and-swap. */
import type { FargateSize, StagedInput } from '../ports.ts';
import type { CheckResult } from '../tasks/define-task.ts';

export const JOB_STATES = ['waiting', 'running', 'published', 'failed', 'quarantined', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];
export type TerminalState = Exclude<JobState, 'waiting' | 'running'>;

/** Where a running job is. `launching` has no ref yet; from `validating` on, no container is left. */
export type JobPhase = 'launching' | 'processing' | 'validating' | 'publishing';

/** Why an attempt, or the job itself, ended. Retries are decided on this alone (`retry.ts`). */
export const CAUSES = [
  'succeeded',
  'bad-input',
  'out-of-memory',
  'deadline',
  'interrupted',
  'never-started',
  'not-reached',
  'try-again',
  'killed',
  'failed',
  'cancelled',
  'input-changed',
  'incomplete',
  'refused',
  'invalid-output',
  'bad-parameter',
  'unknown-task',
  'unknown-source',
  'superseded',
] as const;
export type Cause = (typeof CAUSES)[number];

/** One launch of the job's container. Times are milliseconds since the epoch. */
export interface Attempt {
  /** 1, 2, … */
  attempt: number;
  size: FargateSize;
  spot: boolean;
  /** The admission entry that it was started under. */
  claim: string;
  claimedAt: number;
  /** Where it shared its container with other jobs: the launch, and how many they were. Its seconds and cost are its share. */
  launch?: { id: string; jobs: number };
  /** The runner's name for it (ECS task ARN, container name); absent while launching. */
  ref?: string;
  startedAt?: number;
  endedAt?: number;
  cause?: Cause;
  /** One sentence for a person. */
  reason?: string;
  exitCode?: number;
  peakMemoryBytes?: number;
  /** Container seconds: from image pull to stop; its share of them where it shared its container. */
  seconds?: number;
  /** What it cost, or would have cost on Fargate. */
  costUsd?: number;
  imageDigest?: string;
  /** Set when someone asked to stop it (deadline, cancel): the cause to record when it stops. */
  stopping?: { cause: 'deadline' | 'cancelled'; at: number };
}

/** The remote file behind a job by parameters, as its server described it before the launch. */
export interface Source {
  uri: string;
  bytes?: number;
  etag?: string;
  md5?: string;
  /** ISO 8601. */
  lastModified?: string;
}

export type ParamValue = string | number | boolean | string[];
export type Params = Record<string, ParamValue>;

/** The same text for the same parameters, in whatever order they were given. */
export const paramsText = (params: Params): string =>
  JSON.stringify(Object.entries(params).toSorted(([a], [b]) => (a < b ? -1 : 1)));

export interface Job {
  /** `<task>-<name>-<hash>`; letters, digits and `-`, at most 96 characters. */
  id: string;
  run: string;
  task: string;
  /** What it publishes as, below the task: `europe/monaco`. Two jobs of one name never run at once. */
  name: string;
  state: JobState;
  phase?: JobPhase;
  /** As given and checked by the task's schema, defaults not filled in. */
  params: Params;
  /** As they were given, where the task file had others for when all memory was not enough: `params` are these now. */
  paramsAsked?: Params;
  inputs: StagedInput[];
  source?: Source;
  /** Input size in bytes: orders the waiting jobs, chooses the container size. */
  bytes: number;
  /** 0 live work, 5 bulk. Lower goes first. */
  priority: number;
  /** Orders jobs of one name: the S3 sequencer, or the time in the same width. A later one is never overwritten. */
  sequence: string;
  /** Size of the next attempt. */
  size: FargateSize;
  /** Container seconds that an attempt should take, by the plan or the task file: budgets go by it. */
  expectedSeconds?: number;
  spot: boolean;
  attempts: Attempt[];
  /** Attempts up to the end that a person undid: they count no longer when retries are decided. */
  attemptsBefore?: number;
  /** Not before this time: a retry that waits for a mirror to come back. */
  notBefore?: number;
  /** A claim that the sweep took back: its dispatcher, should it still live, must not start the job. */
  revokedClaim?: string;
  acceptedAt: number;
  updatedAt: number;
  endedAt?: number;
  /** Why it is in this state: a sentence for a person. */
  reason?: string;
  cause?: Cause;
  /** What validation found, of the last attempt. */
  checks?: CheckResult[];
  /** URI of the receipt, once ended. */
  receipt?: string;
  /** Named limits that it counts against, e.g. `mirror:download.geofabrik.de`. */
  limits: string[];
}

export const isTerminal = (state: JobState): state is TerminalState =>
  state !== 'waiting' && state !== 'running';

/** The latest attempt, if there was any. */
export const lastAttempt = (job: Job): Attempt | undefined => job.attempts.at(-1);
