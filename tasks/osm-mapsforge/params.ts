/** The parameters of osm-mapsforge. Names and defaults are those of the handler in `containers/osm-mapsforge`. */
import * as z from 'zod';

/** Path parts of letters, digits, `-` and `_`: nothing that could lead out of the mirror or the output folder. */
const AREA = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/;
const LANGUAGE = /^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/;
const MIRROR = /^https?:\/\/[^\s?#]+$/;
/** A choice of the handler's, or a file that GDAL reads. */
const LAND = /^(auto|osmdata|gshhg|coastline)$|\.(fgb|gpkg|shp|zip)(\?.*)?$/;
const STYLE = 'a name of containers/osm-mapsforge/styles or an http(s) address';

export const params = z
  .object({
    area: z
      .string()
      .regex(AREA, 'a Geofabrik id, e.g. europe/monaco')
      .optional()
      .describe(
        'Area by its Geofabrik id, e.g. `europe/monaco`; its extract is downloaded. Not with a file.',
      ),
    mirror: z
      .string()
      .regex(MIRROR, 'an http(s) address')
      .default('https://download.geofabrik.de')
      .describe(
        'Server of the extracts, with the layout of Geofabrik’s: `<area>-latest.osm.pbf`, `.md5`, `<area>.poly`.',
      ),
    type: z
      .enum(['ram', 'hd'])
      .default('ram')
      .describe(
        'Where the writer keeps the objects: in memory (quicker) or on disk (for areas that memory cannot hold).',
      ),
    languages: z
      .array(z.string().regex(LANGUAGE, 'codes such as en,de'))
      .refine((codes) => new Set(codes).size === codes.length, 'each language once')
      .optional()
      .describe(
        'Languages of the names beside the local one, the preferred first: `en,de`. Without it the local names only.',
      ),
    threads: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('Threads of the writer. Without it 2, or 1 where there is one CPU.'),
    tagMapping: z
      .string()
      .min(1, STYLE)
      .default('bike')
      .describe(`Which tags become part of the map: ${STYLE}; \`default\` is the writer’s own.`),
    tagTransform: z
      .string()
      .min(1, STYLE)
      .default('bike')
      .describe(`How tags are changed before: ${STYLE}; \`none\` leaves them as they are.`),
    tagValues: z
      .boolean()
      .default(false)
      .describe('Store variable values (heights, widths) once and not as tags of their own: map format 5.'),
    comment: z
      .string()
      .max(500, 'one line of at most 500 characters')
      .regex(/^\P{Cc}*$/u, 'one line of at most 500 characters')
      .optional()
      .describe('Comment in the header of the map.'),
    skipMap: z.boolean().default(false).describe('Make no `.map`.'),
    skipPoi: z.boolean().default(false).describe('Make no `.poi`.'),
    bbox: z
      .string()
      .refine(
        isBox,
        'west,south,east,north in degrees, e.g. 7.40,43.72,7.45,43.76; west > east crosses the 180th meridian',
      )
      .optional()
      .describe('Box of the map, `west,south,east,north` in degrees, in place of the area’s own bounds.'),
    land: z
      .string()
      .regex(
        LAND,
        'auto, osmdata, gshhg, coastline, or the path or address of a .fgb, .gpkg, .shp or .zip file',
      )
      .default('auto')
      .describe(
        'Land polygons: `osmdata` (OpenStreetMap’s coast of the planet), `coastline` (that of the extract), `gshhg` (coarser, in the image), a file, or `auto`: the best that can be had.',
      ),
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

/** West > east crosses the 180th meridian; each of its two parts must then have a width. */
function isBox(text: string): boolean {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [west = NaN, south = NaN, east = NaN, north = NaN] = numbers;
  const hasWidth = -180 <= west && east <= 180 && (west < east || (west > east && west < 180 && east > -180));
  return numbers.length === 4 && hasWidth && -90 <= south && south < north && north <= 90;
}
