/**
 * What stage-out leaves behind: `<job>/<attempt>/attempt.json` in the staging store, written after every output is there.
 * Its absence means that stage-out itself died, and the runner's own words are all there is.
 */
import * as z from 'zod';

/** Written by the runner script (`containers/stage/run.sh`) inside the main container as `control/exit.json`. */
export const ExitRecord = z.object({
  exitCode: z.int(),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  endedAt: z.number(),
  /** Highest memory use of the container's cgroup while it ran, in bytes; absent where the kernel does not tell. */
  peakMemoryBytes: z.number().exactOptional(),
  /** Processes that the kernel killed for memory in this container while it ran. */
  oomKills: z.int().exactOptional(),
  /** Last line of stderr. */
  lastLine: z.string().exactOptional(),
  /** The runner script ended it at its deadline. */
  deadline: z.literal(true).exactOptional(),
});
export type ExitRecord = z.infer<typeof ExitRecord>;

export const StagedFile = z.object({
  /** Path below the output folder, `/`-separated. */
  name: z.string(),
  /** Key in the staging store. */
  key: z.string(),
  bytes: z.number(),
  sha256: z.string(),
});
export type StagedFile = z.infer<typeof StagedFile>;

const Box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** `OUTPUT/.longshore/report.json`: what the handler tells about its work. All optional. */
export const Report = z.looseObject({
  sources: z
    .array(
      z.looseObject({
        uri: z.string(),
        bytes: z.number().exactOptional(),
        md5: z.string().exactOptional(),
        sha256: z.string().exactOptional(),
        lastModified: z.string().exactOptional(),
      }),
    )
    .exactOptional(),
  /** The asked box of each output, by base name; `[west, south, east, north]` in degrees, WGS84. */
  boxes: z.array(z.object({ name: z.string(), bbox: Box })).exactOptional(),
  timings: z.record(z.string(), z.number()).exactOptional(),
  facts: z.record(z.string(), z.unknown()).exactOptional(),
});
export type Report = z.infer<typeof Report>;

export const AttemptRecord = z.object({
  job: z.string(),
  attempt: z.int(),
  /** Where several jobs share the container: when its turn came, in milliseconds since the epoch; absent when it did not. */
  begunAt: z.number().exactOptional(),
  /** Absent when main never ran or was killed before it could say. */
  exit: ExitRecord.exactOptional(),
  /** Why stage-in refused to start main: the sentence and whether the input itself is at fault. */
  stageIn: z
    .object({
      cause: z.enum(['input-changed', 'input-missing', 'bad-input', 'disk-full', 'failed']),
      reason: z.string(),
    })
    .exactOptional(),
  /** Why stage-out could not keep the outputs (e.g. a link that leads out of the folder). */
  stageOut: z.object({ reason: z.string() }).exactOptional(),
  inputs: z.array(z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })),
  files: z.array(StagedFile),
  report: Report.exactOptional(),
  /** A report that could not be read: said in the receipt, never swallowed. */
  reportError: z.string().exactOptional(),
  /** `sha256:…` of the image that ran. */
  imageDigest: z.string().exactOptional(),
});
export type AttemptRecord = z.infer<typeof AttemptRecord>;

/** Keys of the staging store (local: the `work/` folder itself, so that staging costs no copy). */
export const stagingKeys = {
  attempt: (job: string, attempt: number): string => `${job}/${attempt}`,
  record: (job: string, attempt: number): string => `${job}/${attempt}/attempt.json`,
  output: (job: string, attempt: number, name: string): string => `${job}/${attempt}/output/${name}`,
  log: (job: string, attempt: number): string => `${job}/${attempt}/control/log.jsonl`,
};
