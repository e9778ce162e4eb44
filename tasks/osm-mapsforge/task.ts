/** An OpenStreetMap extract becomes an offline map: mapsforge `.map`, `.poi`, and the extents as text. */
import type * as z from 'zod';
import { notEmpty, notSmallerThan } from '../../lib/tasks/checks/generic.ts';
import { mapsforgeMap } from '../../lib/tasks/checks/mapsforge.ts';
import { sqliteFile } from '../../lib/tasks/checks/sqlite.ts';
import { defineTask, type OutputSpec } from '../../lib/tasks/define-task.ts';
import { extentsText } from '../../lib/tasks/metadata/extents.ts';
import { stacItem } from '../../lib/tasks/metadata/stac.ts';
import { LARGEST_SIZE } from '../../lib/tasks/sizes.ts';
import { params } from './params.ts';
import { deadlineOf, expectedSecondsOf, fetchSecondsOf, sizeOf } from './size.ts';
import { lookUpExtract } from './source.ts';

const HANDLER = 'containers/osm-mapsforge/osm-mapsforge';

const IMAGE = 'longshore/osm-mapsforge';

/**
 * A month of edits does not take a third of an area away: what lost so much was made from a broken extract, or lost its land.
 */
const LEAST_SHARE = 0.7;

const outputs: OutputSpec<z.output<typeof params>>[] = [
  {
    pattern: '*.map',
    description: 'mapsforge map; an area over the 180th meridian has one per box, NAME-1 and NAME-2',
    contentType: 'application/octet-stream',
    atLeast: ({ skipMap }) => (skipMap ? 0 : 1),
    checks: [mapsforgeMap(), notSmallerThan(LEAST_SHARE)],
  },
  {
    pattern: '*.poi',
    description: 'Points of interest for mapsforge readers, an SQLite file',
    contentType: 'application/vnd.sqlite3',
    atLeast: ({ skipPoi }) => (skipPoi ? 0 : 1),
    checks: [sqliteFile(), notSmallerThan(LEAST_SHARE)],
  },
  {
    pattern: '*.extents.txt',
    description: 'Bounds of the maps as text',
    contentType: 'text/plain; charset=utf-8',
    atLeast: () => 1,
    checks: [notEmpty(), extentsText()],
  },
];

export default defineTask({
  name: 'osm-mapsforge',
  description:
    'Offline map for bike computers and phones (mapsforge .map and .poi) from an OpenStreetMap extract',
  image: IMAGE,
  command: ['osm-mapsforge'],
  host: {
    command: ['python3', HANDLER],
    tools: { python3: 'python3', osmium: 'osmium-tool', java: 'openjdk-17-jre-headless' },
    check: ['python3', HANDLER, '--check-tools'],
  },
  accepts: ['.osm.pbf'],
  params,

  needsFile: ({ area }) =>
    area === undefined
      ? 'osm-mapsforge needs a file (.osm.pbf) or an area, e.g. --set area=europe/monaco'
      : undefined,
  // One of them would be ignored without a word.
  refusesFile: ({ area }) =>
    area === undefined
      ? undefined
      : `osm-mapsforge takes a file or an area, not both: leave out area=${area} to make a map of the file`,
  publishAs: ({ area }) => area ?? '',
  source: async ({ area, mirror }, fetch) =>
    area === undefined ? undefined : await lookUpExtract(mirror, area, fetch),
  freshness: ({ freshness }) => freshness,
  // Mirrors are run by volunteers: the setting `limits` says how many jobs may download from one at once.
  limits: ({ area, mirror }) => (area === undefined ? [] : [`mirror:${new URL(mirror).host}`]),
  fetch: {
    command: ['osm-mapsforge', '--fetch'],
    isNeeded: ({ area }) => area !== undefined,
    expectedSeconds: fetchSecondsOf,
  },

  size: sizeOf,
  ceiling: LARGEST_SIZE,
  // With its objects on disk the writer needs a quarter of the memory, and several times as long (size.ts).
  atCeiling: ({ type }) => (type === 'ram' ? { type: 'hd' } : undefined),
  deadlineSeconds: deadlineOf,
  expectedSeconds: expectedSecondsOf,
  attempts: 3,
  spot: true,
  network: true,

  outputs,
  metadata: [
    stacItem({
      description: 'Offline map made from OpenStreetMap data',
      license: 'ODbL-1.0',
      licenseUrl: 'https://opendatacommons.org/licenses/odbl/1-0/',
      attribution: '© OpenStreetMap contributors',
      providers: [
        {
          name: 'OpenStreetMap contributors',
          roles: ['licensor', 'producer'],
          url: 'https://www.openstreetmap.org/copyright',
        },
      ],
      lineage:
        'Tags reduced to those of the map style, land and sea polygons clipped to the box and merged with the extract, written by the mapsforge map writer.',
      image: IMAGE,
      outputs,
      // The day that the extract shows, where its header tells.
      dataTime: ({ report: { facts }, job }) =>
        typeof facts?.['dataTime'] === 'string' ? facts['dataTime'] : job.source?.lastModified,
    }),
  ],
});
