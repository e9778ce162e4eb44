/** An OpenStreetMap extract becomes an offline map: mapsforge `.map`, `.poi`, and the extents as text. */
import { defineTask } from '../../lib/tasks/define-task.ts';
import { LARGEST_SIZE } from '../../lib/tasks/sizes.ts';
import { params } from './params.ts';
import { deadlineOf, sizeOf } from './size.ts';
import { lookUpExtract } from './source.ts';

export default defineTask({
  name: 'osm-mapsforge',
  description:
    'Offline map for bike computers and phones (mapsforge .map and .poi) from an OpenStreetMap extract',
  image: 'longshore/osm-mapsforge',
  command: ['osm-mapsforge'],
  host: {
    command: ['python3', 'containers/osm-mapsforge/osm-mapsforge'],
    tools: {
      python3: 'python3',
      osmium: 'osmium-tool',
      java: 'default-jre-headless',
    },
  },
  accepts: ['.osm.pbf'],
  params,

  needsFile: ({ area }) =>
    area === undefined ? 'It needs a file (.osm.pbf) or an area, e.g. --set area=europe/monaco.' : undefined,
  publishAs: ({ area }) => area!,
  source: async ({ area, mirror }, fetch) =>
    area === undefined ? undefined : lookUpExtract(mirror, area, fetch),
  freshness: ({ freshness }) => freshness,
  // A mirror is a guest's table: settings.limits says how many may download from it at once.
  limits: ({ area, mirror }) => (area === undefined ? [] : [`mirror:${new URL(mirror).host}`]),

  size: sizeOf,
  ceiling: LARGEST_SIZE,
  deadlineSeconds: deadlineOf,
  attempts: 3,
  spot: true,
  network: true,

  outputs: [
    {
      pattern: '*.map',
      description: 'mapsforge map; areas over the 180th meridian make one map per box, NAME-1 and NAME-2',
      contentType: 'application/octet-stream',
      atLeast: ({ skipMap }) => (skipMap ? 0 : 1),
      checks: [],
    },
    {
      pattern: '*.poi',
      description: 'points of interest, an SQLite file',
      contentType: 'application/vnd.sqlite3',
      atLeast: () => 0,
      checks: [],
    },
    {
      pattern: '*.extents.txt',
      description: 'bounds of the maps as text',
      contentType: 'text/plain; charset=utf-8',
      atLeast: () => 1,
      checks: [],
    },
  ],
  metadata: [],
});
