/**
 * What stage-in needs to know of an attempt, at `<job>/<attempt>/launch.json` in the staging store. RunTask's overrides
 * hold 8,192 characters, JSON included, so parameters travel here, and only ids travel in the environment.
 */
import * as z from 'zod';
import type { Launch } from '../ports.ts';
import { stagingKeys } from '../pipeline/attempt-record.ts';

export const LaunchSpec = z.object({
  job: z.string(),
  attempt: z.int(),
  task: z.string(),
  run: z.string(),
  /** The main container's environment: parameters and LONGSHORE_* variables. */
  env: z.record(z.string(), z.string()),
  /** As `StagedInput` in lib/ports.ts. */
  inputs: z.array(
    z.object({
      key: z.string(),
      name: z.string(),
      bytes: z.number(),
      etag: z.string(),
      sha256: z.string().exactOptional(),
    }),
  ),
});
export type LaunchSpec = z.infer<typeof LaunchSpec>;

export const launchSpecKey = (job: string, attempt: number): string =>
  `${stagingKeys.attempt(job, attempt)}/launch.json`;

export const launchSpecOf = ({ job, attempt, task, run, env, inputs }: Launch): LaunchSpec => ({
  job,
  attempt,
  task,
  run,
  env,
  inputs,
});
