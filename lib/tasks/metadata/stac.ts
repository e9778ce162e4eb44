/**
 * A STAC Item 1.1 beside the outputs, so that catalogues find them.
 * https://github.com/radiantearth/stac-spec/blob/v1.1.0/item-spec/item-spec.md, with the file and the processing extension.
 */
import type { StagedFile } from '../../pipeline/attempt-record.ts';
import type { MetadataWriter, OutputContext, OutputSpec } from '../define-task.ts';
import { outputOf } from '../outputs.ts';
import { boxAround, boxesGeometry } from './boxes.ts';
import { tracksGeometry } from './tracks.ts';

export interface StacProvider {
  name: string;
  roles: ('licensor' | 'producer' | 'processor' | 'host')[];
  url: string;
}

export interface StacOptions<P> {
  /** Said of every item: what such a file is. */
  description: string;
  /** SPDX identifier: `ODbL-1.0`. */
  license: string;
  licenseUrl: string;
  /** The line that users of the data must show. */
  attribution?: string;
  providers: StacProvider[];
  /** One sentence: what was done to the sources. */
  lineage: string;
  /** What the processing was done with, name to version; the image and its digest are added. */
  software?: Record<string, string>;
  /** The image's repository name, as in the task. */
  image: string;
  outputs: Pick<OutputSpec<P>, 'pattern' | 'description' | 'contentType'>[];
  /** ISO 8601: the moment that the data shows. Without it: when it was made. */
  dataTime?(context: OutputContext<P>): string | undefined;
  /** ISO 8601: first and last moment, for data that has more than one; `datetime` is then the first. */
  timeRange?(context: OutputContext<P>): [begin: string, end: string];
  /** `[longitude, latitude]` along each path that was measured, in place of the boxes as geometry. */
  tracks?(context: OutputContext<P>): (readonly [number, number])[][];
}

const EXTENSIONS = [
  'https://stac-extensions.github.io/file/v2.1.0/schema.json',
  'https://stac-extensions.github.io/processing/v1.2.0/schema.json',
];

/** Writes `<base>.stac.json`, base being the last part of the publication name. Boxes come from `report.boxes`. */
export function stacItem<P>(options: StacOptions<P>): MetadataWriter<P> {
  return async (context) => [
    {
      name: `${baseName(context.job.name)}.stac.json`,
      contentType: 'application/geo+json',
      body: `${JSON.stringify(item(options, context), null, 2)}\n`,
    },
  ];
}

function item<P>(options: StacOptions<P>, context: OutputContext<P>): unknown {
  const { job, report } = context;
  const boxes = (report.boxes ?? []).map(({ bbox }) => bbox);
  const tracks = options.tracks?.(context) ?? [];
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: EXTENSIONS,
    // Catalogues put ids in paths: no "/".
    id: `${job.task}-${job.name}`.replaceAll('/', '-'),
    // Without a box there is no geometry, and then the specification forbids the bbox.
    ...(boxes.length > 0
      ? { bbox: boxAround(boxes), geometry: tracksGeometry(tracks) ?? boxesGeometry(boxes) }
      : { geometry: null }),
    properties: properties(options, context),
    links: [
      { rel: 'license', href: options.licenseUrl, title: options.license },
      ...sourceUris(context).map((href) => ({ rel: 'via', href, title: 'Source data' })),
    ],
    assets: Object.fromEntries(context.files.map((file) => [file.name, asset(file, options)])),
  };
}

function properties<P>(options: StacOptions<P>, context: OutputContext<P>): Record<string, unknown> {
  const { job, record } = context;
  const made = new Date(record.exit?.endedAt ?? job.updatedAt).toISOString();
  const range = options.timeRange?.(context);
  return {
    title: job.name,
    description: options.description,
    datetime: new Date(range?.[0] ?? options.dataTime?.(context) ?? made).toISOString(),
    ...(range && { start_datetime: range[0], end_datetime: range[1] }),
    created: made,
    license: options.license,
    ...(options.attribution === undefined ? {} : { attribution: options.attribution }),
    providers: options.providers,
    'processing:lineage': options.lineage,
    'processing:datetime': made,
    'processing:software': {
      ...options.software,
      ...(record.imageDigest === undefined ? {} : { [options.image]: record.imageDigest }),
    },
  };
}

function asset<P>(file: StagedFile, { outputs }: StacOptions<P>): Record<string, unknown> {
  const output = outputOf(outputs, file.name);
  return {
    href: `./${file.name.split('/').map(encodeURIComponent).join('/')}`,
    ...(output && { type: output.contentType, title: output.description }),
    roles: ['data'],
    'file:size': file.bytes,
    // Multihash: 0x12 is SHA-256, 0x20 its length in bytes.
    'file:checksum': `1220${file.sha256}`,
  };
}

/** Only what others can follow: a dropped file's own name is no link. */
function sourceUris<P>({ job, report }: OutputContext<P>): string[] {
  const uris = [...(job.source ? [job.source] : []), ...(report.sources ?? [])].map(({ uri }) => uri);
  return [...new Set(uris)].filter((uri) => /^(https?|s3):\/\//.test(uri));
}

const baseName = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
