/**
 * The ports: all that the pipeline knows of the outside world. Each has one implementation for AWS (`lib/aws`) and one
 * for a single machine (`lib/local`), and one contract suite (`tests/contract`) that runs over both.
 */
import type { Readable } from 'node:stream';

// --- Object store -------------------------------------------------------------------------------------------------

export interface ObjectInfo {
  /** Key inside the store, `/`-separated, never starting with `/`. At most 1,024 bytes of UTF-8 (the S3 limit). */
  key: string;
  bytes: number;
  /** Opaque; equal ETags of one key mean equal content. Without quotes. */
  etag: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

export interface PutOptions {
  /** `'*'`: only if no object has this key; throws {@link ObjectExistsError} otherwise. */
  ifNoneMatch?: '*';
  contentType?: string;
}

/** Whole files by key: an S3 bucket (and prefix), or a folder. Nothing is buffered whole in memory. */
export interface ObjectStore {
  /** `s3://bucket/key`, or `file:///…`. For people and receipts. */
  uri(key: string): string;
  head(key: string): Promise<ObjectInfo | undefined>;
  /**
   * Throws {@link ObjectMissingError}. `range` is in bytes, `end` inclusive as in HTTP; a range past the end is cut.
   */
  get(key: string, range?: { start: number; end: number }): Promise<Readable>;
  put(key: string, body: string | Uint8Array | Readable, options?: PutOptions): Promise<ObjectInfo>;
  /** Writes the object to a file (folders are made). A folder store may hard-link: never write to the result. */
  download(key: string, path: string): Promise<void>;
  /** Stores a file. The folder store may move bytes by hard link, so the file must not be written afterwards. */
  upload(path: string, key: string, options?: PutOptions): Promise<ObjectInfo>;
  /** Copies from a store of the same backend, without the bytes passing through this process where possible. */
  copyFrom(
    source: ObjectStore,
    sourceKey: string,
    key: string,
    options?: Pick<PutOptions, 'contentType'>,
  ): Promise<ObjectInfo>;
  /** No error when there is nothing to delete. */
  delete(key: string): Promise<void>;
  /** In key order (UTF-8 bytes), strongly consistent. `after` is exclusive. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<ObjectInfo>;
}

export class ObjectMissingError extends Error {
  override name = 'ObjectMissingError';
  constructor(uri: string, options?: ErrorOptions) {
    super(`There is no object ${uri}`, options);
  }
}

export class ObjectExistsError extends Error {
  override name = 'ObjectExistsError';
  constructor(uri: string, options?: ErrorOptions) {
    super(`There is already an object ${uri}`, options);
  }
}

// --- Record store -------------------------------------------------------------------------------------------------

/** A record as read: `version` is what `replace` and `delete` compare with (an ETag on S3). */
export interface Versioned<T> {
  value: T;
  version: string;
}

/**
 * Small JSON documents (< 1 MiB) with compare-and-swap: the ledger. On S3 `If-None-Match: *` and `If-Match`; locally
 * generations of a file changed by `rename`, which needs no lock and survives `kill -9` at any point.
 */
export interface RecordStore {
  uri(key: string): string;
  read<T>(key: string): Promise<Versioned<T> | undefined>;
  /** The new version, or `undefined` when the record exists already. Exactly one of many concurrent creators wins. */
  create(key: string, value: unknown): Promise<string | undefined>;
  /** The new version, or `undefined` when the record is no longer at `version` (changed or deleted). */
  replace(key: string, value: unknown, version: string): Promise<string | undefined>;
  /** No error when there is nothing to delete. */
  delete(key: string): Promise<void>;
  /** Keys in order (UTF-8 bytes), strongly consistent. `after` is exclusive. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<string>;
}

// --- Queue --------------------------------------------------------------------------------------------------------

export interface ReceivedMessage {
  body: string;
  /** How often this message was delivered, this time included. */
  receiveCount: number;
  /** Done: never deliver it again. Without it the message comes back after the visibility timeout. */
  ack(): Promise<void>;
}

/** At least once, unordered. Messages are JSON text of at most 1 MiB, batches too (SQS). */
export interface Queue {
  send(bodies: string[], options?: { delaySeconds?: number }): Promise<void>;
  /** Waits up to `waitSeconds` for at least one message. At most 10. On AWS the Lambdas are called by SQS instead. */
  receive(options?: { waitSeconds?: number }): Promise<ReceivedMessage[]>;
}

// --- Task runner --------------------------------------------------------------------------------------------------

export interface FargateSize {
  /** vCPU: .25 .5 1 2 4 8 16. */
  vcpu: number;
  memoryMiB: number;
  /** Ephemeral disk, 20–200 (20 are free). */
  diskGiB: number;
}

/** One container launch: one attempt of one job, or of several small ones that are done one after another. */
export interface Launch {
  /**
   * Names it, the same whenever it is launched again: `<job>/<attempt>` of a job alone, `pack/<task>-<hex>` of several.
   * Letters, digits, `-` and `/`, at most 110 characters (`launchId` in lib/pipeline/launch-id.ts).
   */
  id: string;
  run: string;
  /** Task name: chooses image, command and limits. */
  task: string;
  size: FargateSize;
  /** FARGATE_SPOT when true. */
  spot: boolean;
  /** At least one, in the order in which they have their turn. */
  members: LaunchMember[];
  /** Seconds until the container is stopped, all members together. The sweep enforces it; a runner may too. */
  deadlineSeconds: number;
}

/** One job's part in a launch. */
export interface LaunchMember {
  job: string;
  /** 1, 2, … */
  attempt: number;
  /** Environment of its command, already with the parameters and the LONGSHORE_* variables. */
  env: Record<string, string>;
  inputs: StagedInput[];
  /** Its task's `fetch` comes before the command. Only of a job alone. */
  fetch?: true;
  /** Seconds until it is ended, where it shares its container: the next one goes on. Enforced by the runner. */
  deadlineSeconds: number;
}

/** An input as stage-in must find it: a different object under the same key is an error, not a surprise. */
export interface StagedInput {
  /** Key in the uploads store. */
  key: string;
  /** Base name in the input folder. */
  name: string;
  bytes: number;
  etag: string;
  /** Hex; absent when the store could not tell without reading it all (S3): stage-in records it. */
  sha256?: string;
  /** What the manifest `by` says of it, hex: stage-in compares, and a difference is a bad input. */
  declared?: { md5?: string; sha256?: string; by: string };
}

export type LaunchOutcome =
  | { outcome: 'started'; ref: string }
  /** Throttle, quota, no capacity: the job goes on waiting. Never counted as an attempt. */
  | { outcome: 'wait'; reason: string; retryAfterSeconds?: number }
  /** It can never start so (no such image, impossible size): the job fails with this reason. */
  | { outcome: 'refused'; reason: string };

export type StopCode =
  | 'EssentialContainerExited'
  | 'TaskFailedToStart'
  | 'SpotInterruption'
  | 'TerminationNotice'
  | 'UserInitiated'
  | 'ServiceSchedulerInitiated';

/** What the runner knows of a launch. The times are milliseconds since the epoch. */
export interface TaskState {
  ref: string;
  /** {@link Launch.id}: the admission's entry of it names the jobs. */
  launch: string;
  status: 'pending' | 'running' | 'stopped';
  /** When the image pull began: billing starts here. */
  pullStartedAt?: number;
  startedAt?: number;
  stoppedAt?: number;
  stopCode?: StopCode;
  /** The runner's own words, task's and main container's joined (ECS `stoppedReason`, container `reason`). */
  reason?: string;
  /** The task's `fetch` is done: nothing more comes from its mirror. */
  fetched?: true;
  /** Main container. */
  exitCode?: number;
  /** The kernel killed the main container for memory. */
  outOfMemory?: boolean;
}

export interface TaskRunner {
  /**
   * Idempotent by the launch's id: the second call finds the first's task and returns its ref, whatever its members. Where
   * there are several members, one that fails does not keep the next from its turn.
   */
  launch(launch: Launch): Promise<LaunchOutcome>;
  /** A ref that is gone (an hour after the stop on ECS) is left out of the answer. */
  describe(refs: string[]): Promise<TaskState[]>;
  /** SIGTERM, then SIGKILL after the stop timeout. No error when it has stopped already. */
  stop(ref: string, reason: string): Promise<void>;
  /** A member of a running launch whose turn need not come any more. No effect when it came, or where it is not possible. */
  skip(ref: string, member: { job: string; attempt: number }): Promise<void>;
  /** Forgets a stopped launch's container (and its scratch space), once it is settled. */
  clean(ref: string): Promise<void>;
}

// --- Clock, log, and the web --------------------------------------------------------------------------------------

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export type LogFields = Record<string, unknown>;

/** Events are named `Noun:Verb:State`, e.g. `Job:Accept:Done`. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Log;
}

/** What `fetch` is, for sources that are looked at before a launch. */
export type Fetch = typeof globalThis.fetch;
