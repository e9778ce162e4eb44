/**
 * What the stage containers need to know of a launch, at `<launch>/launch.json` in the staging store. RunTask's overrides hold
 * 8,192 characters, JSON included, so parameters travel here, and only the launch's name travels in the environment.
 */
import * as z from 'zod';
import type { Launch } from '../ports.ts';

export const LaunchSpec = z.object({
  launch: z.string(),
  run: z.string(),
  task: z.string(),
  members: z
    .array(
      z.object({
        job: z.string(),
        attempt: z.int(),
        /** Of its command: parameters and LONGSHORE_* variables. */
        env: z.record(z.string(), z.string()),
        /** As `StagedInput` in lib/ports.ts. */
        inputs: z.array(
          z.object({
            key: z.string(),
            name: z.string(),
            bytes: z.number(),
            etag: z.string(),
            sha256: z.string().exactOptional(),
            declared: z
              .object({ md5: z.string().exactOptional(), sha256: z.string().exactOptional(), by: z.string() })
              .exactOptional(),
          }),
        ),
        fetch: z.literal(true).exactOptional(),
        deadlineSeconds: z.number(),
      }),
    )
    .min(1),
});
export type LaunchSpec = z.infer<typeof LaunchSpec>;

/** Of a job alone it lies in the attempt's own folder. */
export const launchSpecKey = (launch: string): string => `${launch}/launch.json`;

export const launchSpecOf = ({ id, run, task, members }: Launch): LaunchSpec => ({
  launch: id,
  run,
  task,
  members,
});
