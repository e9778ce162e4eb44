/** What travels in the queues, as JSON text. Each may come twice, late, or out of order. */
import * as z from 'zod';

const ParamValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

/** A file arrived in the uploads store. */
export const UploadMessage = z.object({
  kind: z.literal('upload'),
  /** Key in the uploads store, decoded: `osm-mapsforge/malta.osm.pbf`. */
  key: z.string(),
  bytes: z.number(),
  etag: z.string(),
  /** Hex, where it is known: then it tells one content from another, else the ETag does. */
  sha256: z.string().exactOptional(),
  /** Orders the versions of one key: the S3 sequencer, or the time of the change in hex. Compared as text. */
  sequence: z.string(),
});
export type UploadMessage = z.infer<typeof UploadMessage>;

/** A job asked for by name: `longshore run`, a manifest's entry. The same run, task, file and parameters are one job. */
export const JobMessage = z.object({
  kind: z.literal('job'),
  run: z.string(),
  task: z.string(),
  params: z.record(z.string(), ParamValue),
  /** Key of its file in the uploads store (below `.runs/` for files that `longshore run` brought), if it has one. */
  input: z
    .object({ key: z.string(), bytes: z.number(), etag: z.string(), sha256: z.string().exactOptional() })
    .exactOptional(),
  priority: z.int().min(0).max(9).default(0),
  sequence: z.string(),
  /** Its source, where whoever sends this has just looked at it: nobody asks the server again. */
  source: z
    .object({
      uri: z.string(),
      bytes: z.number().exactOptional(),
      etag: z.string().exactOptional(),
      md5: z.string().exactOptional(),
      lastModified: z.string().exactOptional(),
    })
    .exactOptional(),
  /** Container seconds of an attempt, where a plan knows better than the task file. */
  expectedSeconds: z.number().positive().exactOptional(),
});
export type JobMessage = z.infer<typeof JobMessage>;

/** A job that holds its name no more, by this attempt or an earlier one; and what each of its attempts has cost, in US dollars. */
const Leaving = z.object({ job: z.string(), attempt: z.int(), costsUsd: z.array(z.number()) });
export type Leaving = z.infer<typeof Leaving>;

/**
 * Room was made, or time has passed: look at what waits. What is over is told here and not written where it ended: hundreds
 * of containers may end at once, and whoever looks takes it all out of the admission with the write that admits the next.
 */
export const WakeMessage = z.object({
  kind: z.literal('wake'),
  /** Launches whose containers are gone: their slots are free. */
  freed: z.array(z.string()).exactOptional(),
  left: z.array(Leaving).exactOptional(),
  /** Launches that have fetched what they need: their shares of named limits are free. */
  fetched: z.array(z.string()).exactOptional(),
});
export type WakeMessage = z.infer<typeof WakeMessage>;

export const PipelineMessage = z.discriminatedUnion('kind', [UploadMessage, JobMessage, WakeMessage]);
export type PipelineMessage = z.infer<typeof PipelineMessage>;

/** The steps after the container. */
export const StepMessage = z.object({
  kind: z.enum(['validate', 'publish']),
  job: z.string(),
  attempt: z.int(),
});
export type StepMessage = z.infer<typeof StepMessage>;

/** Files that `longshore run FILE` brings live here in the uploads store; the watcher of dropped files passes it over. */
export const RUN_INPUTS = '.runs/';
