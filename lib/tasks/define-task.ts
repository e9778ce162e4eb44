/** A task is one typed file, `tasks/<name>/task.ts`: everything that longshore knows about a processing container. */
import type * as z from 'zod';
import type { AttemptRecord, Report, StagedFile } from '../pipeline/attempt-record.ts';
import type { Job, Params, Source } from '../pipeline/job.ts';
import type { Receipt } from '../pipeline/receipt.ts';
import type { FargateSize, Fetch } from '../ports.ts';
import type { GranuleRule } from './granule-rule.ts';

export type { GranuleRule } from './granule-rule.ts';

/** What size and deadline are chosen by. `bytes` is the input's size; 0 when it is not known before the launch. */
export interface Work<P> {
  bytes: number;
  params: P;
}

/** How small jobs share a container launch: no more of anything than this in one. */
export interface Pack {
  /** At most so many jobs, 1 to 100. */
  jobs: number;
  /** Input bytes of all of them. They lie on the container's disk together, and so do their outputs. */
  bytes: number;
  /** Their `expectedSeconds`, added up. */
  seconds: number;
  /** How long after its arrival a job may wait for companions while there are too few; 0 (the default): not at all. */
  lingerSeconds?: number;
}

/** What brings a job's input from elsewhere, as a step of its own before the command. */
export interface FetchStep<P> {
  /** In the task's image, started as `COMMAND INPUT OUTPUT` like the task's own, with the same environment and `$TMPDIR`: what it
   * leaves there is what the command finds. It ends as a command does (0, 65, 75, anything else), and then the command does not
   * start. Where jobs share a container, or there is none, this step is left out: the command must be able to fetch by itself. */
  command: string[];
  /** Whether the job has anything to fetch. */
  isNeeded(params: P): boolean;
  /** Until it is done, of the task's `expectedSeconds`: image pull included, as there. */
  expectedSeconds(work: Work<P>): number;
}

/** What a check or a metadata writer may look at. */
export interface OutputContext<P = Params> {
  job: Job;
  params: P;
  files: StagedFile[];
  record: AttemptRecord;
  report: Report;
  /** The receipt of what is published now under this name, if anything is. */
  published: Receipt | undefined;
  /** Bytes `start`…`end` (inclusive) of a staged output; shorter at the end of the file. */
  read: (file: StagedFile, start: number, end: number) => Promise<Buffer>;
}

/** `ok: false` sends the outputs to quarantine with `detail` as the reason. Throwing is for trouble on our side. */
export interface CheckResult {
  check: string;
  file: string;
  ok: boolean;
  /** One sentence with the numbers: what was found, and against what. */
  detail: string;
}

export interface Check<P> {
  name: string;
  run(file: StagedFile, context: OutputContext<P>): Promise<CheckResult>;
}

export interface OutputSpec<P> {
  /** Glob on the output's name: `*.map`. */
  pattern: string;
  description: string;
  contentType: string;
  /** Least number of files that must match; 0 when optional. */
  atLeast(params: P): number;
  checks: Check<P>[];
}

/** A metadata file made after validation, published beside the outputs. */
export interface MetadataFile {
  name: string;
  contentType: string;
  body: string;
}

export type MetadataWriter<P> = (context: OutputContext<P>) => Promise<MetadataFile[]>;

export interface TaskDefinition<S extends z.ZodObject = z.ZodObject> {
  /** Letters, digits, `-`; the folder's name, the uploads prefix, the ECS family. */
  name: string;
  description: string;
  /** Repository name of the image, without registry and tag: `longshore/osm-mapsforge`. */
  image: string;
  /** Started as `COMMAND INPUT OUTPUT`. */
  command: string[];
  /**
   * How the same handler runs without a container engine, from the project's root. `tools` must be on the PATH, each with
   * the Debian package that has it. `check`, where the PATH does not tell all, exits 0 when nothing is missing, else prints
   * `{"missing": ["jar: jts-core", …], "install": "apt-get install …"}`.
   */
  host?: { command: string[]; tools: Record<string, string>; check?: string[] };
  /** Name endings of the files that it takes: `.osm.pbf`. Empty: it takes none. */
  accepts: string[];
  /** Each parameter becomes an environment variable, its name in UPPER_SNAKE; `.describe()` is its help text. */
  params: S;
  /** For inputs of several files: which belong together, and when they are all there. Without it each file is a job. */
  granule?: GranuleRule;
  /** Whether a job by parameters alone (no file) makes sense, and which parameters it needs for it. */
  needsFile?(params: z.output<S>): string | undefined;
  /** Why a file cannot come with these parameters; undefined when it can. */
  refusesFile?(params: z.output<S>): string | undefined;
  /** Publication name of a job by parameters: `europe/monaco`. A dropped file's is its key without the ending. */
  publishAs?(params: z.output<S>): string;
  /** Looks at the remote file behind the parameters. Throws {@link UnknownSourceError} when there is none. */
  source?(params: z.output<S>, fetch: Fetch): Promise<Source | undefined>;
  /** Days during which a published result from the same source is not made again; 0 never skips. */
  freshness?(params: z.output<S>): number;
  size(work: Work<z.output<S>>): FargateSize;
  /** Out of memory is retried up to this size. */
  ceiling: FargateSize;
  /**
   * Parameters to go on with, once, when a job ran out of memory at the largest size that it may have: some that need less
   * memory, and more time or disk. They replace those of the same name. `undefined`: there are none, and the job fails.
   */
  atCeiling?(params: z.output<S>): Params | undefined;
  deadlineSeconds(work: Work<z.output<S>>): number;
  /** Container seconds that one attempt is expected to take, download included: plans, packs and the page go by it. */
  expectedSeconds(work: Work<z.output<S>>): number;
  /**
   * Jobs that take seconds can share a container, which is billed for a minute at least and pulls its image each time: they
   * are done one after another, each with its own folders, deadline and receipt, and none is hurt by another's failure. Jobs
   * larger than this go alone, and so do retries after an end that was the job's own. Without it every job goes alone.
   */
  pack?: Pack;
  /** A job stopped at its deadline fails at once, unless this says to try again (up to `attempts`). */
  retryAfterDeadline?: boolean;
  /** How often an attempt that failed for no known reason is tried in all. */
  attempts: number;
  /** First attempts on Fargate Spot. */
  spot: boolean;
  /** Whether the container may use the network. */
  network: boolean;
  /**
   * Secrets by the name of their environment variable, each with what it is: `{ EARTHDATA_TOKEN: 'Bearer token of …' }`. On
   * Fargate they come from Secrets Manager, on one machine from the environment of the command; no record or log has them.
   */
  secrets?: Record<string, string>;
  /** Named limits, e.g. the mirror that it downloads from. Held until `fetch` is done, without it until the container's end. */
  limits?(params: z.output<S>): string[];
  fetch?: FetchStep<z.output<S>>;
  outputs: OutputSpec<z.output<S>>[];
  metadata: MetadataWriter<z.output<S>>[];
}

/** The area or file that the parameters name is not there: quarantined with this message. */
export class UnknownSourceError extends Error {
  override name = 'UnknownSourceError';
}

/** Its server wants to be left alone, for `seconds` where it says so (`Retry-After`), else NaN. */
export class BusySourceError extends Error {
  override name = 'BusySourceError';
  readonly seconds: number;
  constructor(message: string, seconds: number) {
    super(message);
    this.seconds = seconds;
  }
}

/** Gives the definition its types. What cannot be typed is checked when the registry loads it (`registry.ts`). */
export function defineTask<S extends z.ZodObject>(task: TaskDefinition<S>): TaskDefinition<S> {
  return task;
}
