/** What the server tells the page of a run. The page imports these types, and nothing else of the command's. */
import type { Cause, JobPhase, JobState } from '../../lib/pipeline/job.ts';
import type { FargateSize } from '../../lib/ports.ts';

/** A granule that waits for files; of no run until it starts. */
export type { WaitingSet } from '../../lib/pipeline/sets.ts';

/** A job's state, told apart where a person asks why: not made again because it is fresh; waiting, and over the budget. */
export type ViewState = JobState | 'fresh' | 'held';

export const VIEW_STATES = [
  'waiting',
  'held',
  'running',
  'published',
  'fresh',
  'failed',
  'quarantined',
  'cancelled',
] as const satisfies ViewState[];

/** What a running job said last. */
export interface StageView {
  /** `download 42 % (1.20 MiB of 2.86 MiB)`, or the last event of a handler that tells no progress. */
  text: string;
  /** 0–100. */
  percent?: number;
}

export interface JobView {
  id: string;
  task: string;
  /** As it is published; whatever characters a file name can have. */
  name: string;
  state: ViewState;
  /** False for a job that is planned and has not come to the ledger yet. */
  accepted: boolean;
  phase?: JobPhase;
  /** Attempts so far, the running one included. */
  attempts?: number;
  cause?: Cause;
  reason?: string;
  size?: FargateSize;
  spot?: boolean;
  /** Where its latest attempt shares its container: the launch, and how many jobs are in it, one after the other. */
  launch?: { id: string; jobs: number };
  /** Of its input or source. */
  bytes?: number;
  /** Container seconds of one attempt, by the plan or the task file. */
  expectedSeconds?: number;
  /** US dollars, by the plan, as it was meant to run (Spot or on demand). */
  plannedUsd?: number;
  /** Container seconds of the attempts that have ended. */
  seconds?: number;
  /** US dollars of the attempts that have ended. */
  costUsd?: number;
  peakMemoryBytes?: number;
  /** Milliseconds since the epoch: claim of the latest attempt. */
  startedAt?: number;
  endedAt?: number;
  /** A retry that waits for its time. */
  notBefore?: number;
  stage?: StageView;
  /** Memory in use now by its container, where the engine can tell. */
  memoryBytes?: number;
}

/** How sure: by how far the middle half of the outcomes lies apart. */
export type Confidence = 'good' | 'fair' | 'rough';

export type Forecast =
  /** Nothing is left to do. */
  | { kind: 'done' }
  /** All that is left is held by the budget. */
  | { kind: 'held'; jobs: number }
  /** Work is left, and nothing runs it. */
  | { kind: 'idle' }
  /** Too few have ended to say; `planSeconds` is what the plan says of what is left, as it stands. */
  | { kind: 'unknown'; ended: number; needed: number; planSeconds?: number }
  | {
      kind: 'range';
      /** Seconds from now: one in ten ends before `low`, one in ten after `high`. */
      low: number;
      likely: number;
      high: number;
      confidence: Confidence;
      /** Jobs that it was learnt from. */
      ended: number;
      /** What they took, against what was expected: 1.2 is a fifth more. */
      ratio: number;
    };

export interface CostView {
  /** US dollars of all attempts, those under way counted up to now. */
  usd: number;
  /** Of that, on Spot. */
  spotUsd: number;
  /** What the plan expects of all jobs that are to be made; absent without a plan. */
  planned?: { onDemand: number; spot: number; asPlanned: number };
  /** What the plan expected of the jobs that have ended with attempts: compare with `endedUsd`. */
  plannedEndedUsd?: number;
  endedUsd: number;
  /** Admission stops there. */
  maxUsd?: number;
}

export interface Summary {
  run: string;
  /** Milliseconds since the epoch, the server's clock. */
  now: number;
  manifest?: string;
  counts: Record<ViewState, number>;
  total: number;
  /** 0–1, by the expected seconds of what has ended; by count where nothing is expected. */
  progress: number;
  /** Containers that run for it now, of at most. */
  containers: number;
  maxTasks: number;
  forecast: Forecast;
  cost: CostView;
  startedAt?: number;
  /** Set once nothing is left to do. */
  endedAt?: number;
  /** Records that are still to be read: until then costs and times are less than they are. */
  unread: number;
  /** Sentences about what could not be read, and why. */
  troubles: string[];
}

/** Whatever GeoJSON geometry an area has. The page checks it. */
export interface Area {
  /** The job that it belongs to. */
  job: string;
  geometry: unknown;
}

export interface RunView {
  summary: Summary;
  jobs: JobView[];
  areas: Area[];
}

/** What changed since the message before. */
export interface Changes {
  summary: Summary;
  jobs: JobView[];
  /** Planned jobs that came to the ledger under another id. */
  gone: string[];
  areas: Area[];
}

export interface RunEntry {
  run: string;
  /** Milliseconds since the epoch, when its first job was accepted; absent when that cannot be told. */
  startedAt?: number;
  jobs: number;
  ended: number;
  failed: number;
  /** There are more; only so many were counted. */
  more: boolean;
}

export interface LogView {
  job: string;
  /** The one shown, and how many there were. */
  attempt: number;
  attempts: number;
  lines: string[];
  /** There is more before the first line. */
  cut: boolean;
}

export interface RetryOutcome {
  /** Ids of the jobs that wait again. */
  retried: string[];
  /** Those that do not, each with the reason. */
  refused: { job: string; reason: string }[];
}

/** Said in the page itself, at `#longshore` as JSON. */
export interface PageSettings {
  /** Goes with each POST. */
  token: string;
  backend: 'local' | 'aws';
  /** Where its ledger is, for people. */
  place: string;
  /** The run asked for on the command line. */
  run?: string;
}
