/** The shape of a manifest, as what is read is fitted to it and as editors are told. */
import * as z from 'zod';

/**
 * The shape of a manifest, given what tasks and parameters may be: any here, the known ones in the published JSON Schema
 * (`docs/manifest.schema.json`).
 */
export function manifestModel<T extends z.ZodType<string>, P extends z.ZodType>(task: T, params: P) {
  const common = {
    task: task.optional().describe('Task of the job; above areas and jobs, of all that name none'),
    params: params
      .optional()
      .describe('Parameters of the job; above areas and jobs, of all: a job’s own go before them'),
    priority: z
      .int()
      .min(0)
      .max(9)
      .optional()
      .describe('0 goes first, 9 last; 5 without it, behind live work'),
  };
  const job = z.strictObject(common);
  const area = z.strictObject({ area: z.string().describe('Its id, e.g. europe/monaco'), ...common });
  const patterns = z.array(z.string().min(1)).min(1);
  const manifest = z.strictObject({
    $schema: z.string().optional().describe('Where this schema is, for editors'),
    name: z.string().min(1).optional().describe('Name of the run; the name of the file without it'),
    ...common,
    areas: z
      .array(z.union([z.string(), area]))
      .optional()
      .describe('One job each, with the parameter area'),
    index: z
      .string()
      .regex(/^(https?:\/\/\S+|(?!\w+:\/\/).+)$/, 'a path, or an http(s) address')
      .optional()
      .describe(
        'Index of areas in Geofabrik’s format, a path from this file or an address: one job for each area that has no other within it',
      ),
    include: patterns
      .optional()
      .describe('Of the index only these: ids, areas or globs (europe/*), each with all within it'),
    exclude: patterns
      .optional()
      .describe('Of the index not these: ids, areas or globs (europe/*), each with all within it'),
    whole: patterns
      .optional()
      .describe('Of the index these are made as one, and not the areas within them: ids, areas or globs'),
    collections: patterns
      .optional()
      .describe(
        'Of the index these are put together from others and not made, areas within them are: ids, areas or globs',
      ),
    jobs: z.array(job).optional().describe('Jobs by their parameters'),
  });
  return { manifest, area, job };
}
