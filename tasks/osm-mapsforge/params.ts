/** The parameters of osm-mapsforge. Names and defaults are those of the handler in `containers/osm-mapsforge`. */
import * as z from 'zod';

/** Path parts of lower-case letters, digits and `-`: nothing that could lead out of the mirror or the output folder. */
const AREA = /^[a-z0-9]+(-[a-z0-9]+)*(\/[a-z0-9]+(-[a-z0-9]+)*)*$/;
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

export const params = z
  .object({
    area: z
      .string()
      .regex(AREA, 'a Geofabrik id, e.g. europe/monaco')
      .optional()
      .describe('Area by its Geofabrik id, e.g. europe/monaco; its extract is downloaded. Not with a file.'),
    mirror: z
      .string()
      .refine(isHttpUrl, 'an http:// or https:// URL')
      .default('https://download.geofabrik.de')
      .describe('Server with the layout of Geofabrik’s, where the extract, its .md5 and its .poly are.'),
    type: z
      .enum(['ram', 'hd'])
      .default('ram')
      .describe('Where the writer keeps its work: in memory (quick) or on disk (slow, for large areas).'),
    languages: z
      .array(z.string().regex(LANGUAGE, 'codes as in name:de'))
      .optional()
      .describe('Languages of the names, preferred first, e.g. en,de. Without it the local names only.'),
    threads: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('Threads of the writer. Without it as many as it gains from.'),
    tagMapping: z
      .string()
      .optional()
      .describe('Tag mapping: a name among the container’s styles, a path in it, or an http(s) URL.'),
    tagTransform: z
      .string()
      .optional()
      .describe('Tag transform applied before writing: as tagMapping; "none" leaves the tags as they are.'),
    tagValues: z
      .boolean()
      .optional()
      .describe('Keep values of tags such as ele and height as numbers (map format 5).'),
    comment: z.string().max(500).optional().describe('Comment in the map’s header.'),
    skipMap: z.boolean().default(false).describe('Make no .map.'),
    skipPoi: z.boolean().default(false).describe('Make no .poi.'),
    bbox: z
      .string()
      .refine(
        isBox,
        'west,south,east,north in degrees, e.g. 7.40,43.72,7.45,43.76; west > east crosses the 180th meridian',
      )
      .optional()
      .describe('Box in place of the area’s own bounds: west,south,east,north in degrees.'),
    land: z.string().optional().describe('Source of the land polygons: see containers/osm-mapsforge.'),
    freshness: z
      .number()
      .min(0)
      .default(0)
      .describe('Days during which a map made from the same extract is not made again; 0 always makes it.'),
  })
  .refine(
    ({ skipMap, skipPoi }) => !(skipMap && skipPoi),
    'skipMap and skipPoi together leave nothing to make',
  );

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isBox(text: string): boolean {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [west = NaN, south = NaN, east = NaN, north = NaN] = numbers;
  return (
    numbers.length === 4 &&
    Math.abs(west) <= 180 &&
    Math.abs(east) <= 180 &&
    west !== east &&
    -90 <= south &&
    south < north &&
    north <= 90
  );
}
