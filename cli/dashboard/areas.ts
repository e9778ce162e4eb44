/** The shapes of a run's jobs: from the run's own GeoJSON, else from the STAC Items beside what is published. */
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { outputKeys } from '../../lib/pipeline/keys.ts';
import type { JobView } from './view.ts';

const Feature = z.looseObject({
  geometry: z.looseObject({ type: z.string() }).nullable(),
  properties: z.looseObject({ task: z.string(), name: z.string() }),
});
const FeatureCollection = z.looseObject({ features: z.array(Feature) });

export const areaKey = (task: string, name: string): string => `${task}/${name}`;

/** `<task>/<name>` → geometry. Throws when it is not as the plan's contract says. */
export function readAreas(value: unknown): Map<string, unknown> {
  const { features } = FeatureCollection.parse(value);
  return new Map(
    features.flatMap(({ geometry, properties: { task, name } }) =>
      geometry === null ? [] : [[areaKey(task, name), rounded(geometry)] as const],
    ),
  );
}

/** To 10 m, which is less than a pixel at any zoom: half the bytes for the page to read. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Math.round(value * 1e4) / 1e4;
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, rounded(part)]));
}

/** The geometry of the STAC Item that a published job has beside its files; `undefined` when it has none. */
export async function publishedArea(
  { stores: { output }, log }: Pick<PipelineContext, 'stores' | 'log'>,
  job: Pick<JobView, 'task' | 'name'>,
): Promise<unknown> {
  const base = job.name.slice(job.name.lastIndexOf('/') + 1);
  const key = outputKeys.file(job, `${base}.stac.json`);
  if (!(await output.head(key))) return undefined;
  const body = await text(await output.get(key));
  try {
    const { geometry } = JSON.parse(body) as { geometry?: unknown };
    return geometry ? rounded(geometry) : undefined;
  } catch (error) {
    // The job's own metadata: it is in the list all the same.
    log.warn('Area:Read:Failed', { uri: output.uri(key), reason: (error as Error).message });
    return undefined;
  }
}
