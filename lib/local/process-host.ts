/** Where a job's command runs: what the two hosts have in common, containers of an engine and processes of this machine. */
import type { Launch, LaunchMember, LaunchOutcome } from '../ports.ts';
import type { AttemptLayout } from '../stage/layout.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';

/** What a host knows of one of its processes. Times are milliseconds since the epoch. */
export type Seen =
  | { state: 'running'; startedAt?: number }
  | {
      state: 'stopped';
      startedAt?: number;
      stoppedAt?: number;
      exitCode?: number;
      outOfMemory?: boolean;
      /** Said when the runner script could not say how the command ended. */
      reason?: string;
    }
  | { state: 'missing' };

/** A member whose inputs are there. */
export interface ReadyMember {
  member: LaunchMember;
  layout: AttemptLayout;
}

export interface StartRequest {
  ref: string;
  launch: Launch;
  task: TaskDefinition;
  /** The launch's own folder: of a job alone the attempt's, else the pack's. */
  dir: string;
  /** At least one. */
  members: ReadyMember[];
  /** Outlives the job, shared by jobs of one task. */
  cache: string;
}

export type StartOutcome =
  | { outcome: 'started'; imageDigest?: string }
  | Exclude<LaunchOutcome, { outcome: 'started' }>;

export type HostKind = 'docker' | 'podman' | 'host';

/** Where processes live: an engine, or this machine itself. They outlive us, and are known by their ref. */
export interface ProcessHost {
  kind: HostKind;
  /** Whether a job of this task could start: looked at before its inputs are brought. `undefined`: yes. */
  ready(task: TaskDefinition): Promise<Exclude<LaunchOutcome, { outcome: 'started' }> | undefined>;
  /** Idempotent by ref. */
  start(request: StartRequest): Promise<StartOutcome>;
  look(refs: string[]): Promise<Map<string, Seen>>;
  /** Until it has ended, or the signal. */
  wait(ref: string, signal: AbortSignal): Promise<void>;
  /** SIGTERM, then SIGKILL after the stop timeout; does not wait for the end. */
  stop(ref: string): Promise<void>;
  /** No error when it is gone. */
  remove(ref: string): Promise<void>;
}
