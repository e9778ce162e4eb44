/**
 * `NAME.extents.txt`: which part of the Earth each map covers, for people who copy maps to a device by hand. The container
 * writes it: lines of `key: value`, a block a map, blocks parted by an empty line; here it is compared with the asked boxes.
 */
import type { Check } from '../define-task.ts';

/** The text has six digits, so a box is off by half of the last at most. */
const TOLERANCE = 0.000_001;
/** A few lines a map, and no job makes thousands. */
const MOST_BYTES = 1024 ** 2;

const SIDES = ['west', 'south', 'east', 'north'] as const;

/** One map's block: its file name and its `[west, south, east, north]`; a side that is missing or no number is NaN. */
export interface Extent {
  map: string;
  bbox: number[];
}

export function parseExtents(content: string): Extent[] {
  return content
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const fields = new Map(
        block.split('\n').flatMap((line) => {
          const [, key, value] = /^(\w+):\s*(.*?)\s*$/.exec(line) ?? [];
          return key === undefined ? [] : [[key, value!] as const];
        }),
      );
      return {
        map: fields.get('map') ?? '',
        bbox: SIDES.map((side) => Number.parseFloat(fields.get(side) ?? '')),
      };
    });
}

/** As many blocks as the report has boxes, each with the name and the sides of its box. */
export function extentsText(): Check<unknown> {
  const check = 'extents text';
  return {
    name: check,
    async run(file, context) {
      if (file.bytes > MOST_BYTES) {
        return { check, file: file.name, ok: false, detail: `${file.bytes} bytes are no extents text` };
      }
      const content = file.bytes === 0 ? Buffer.alloc(0) : await context.read(file, 0, file.bytes - 1);
      const extents = parseExtents(content.toString('utf8'));
      const faults = extentFaults(extents, context.report.boxes ?? []);
      const detail = faults.length > 0 ? faults.join('; ') : `${extents.length} as asked`;
      return { check, file: file.name, ok: faults.length === 0, detail };
    },
  };
}

function extentFaults(extents: Extent[], boxes: { name: string; bbox: readonly number[] }[]): string[] {
  if (boxes.length === 0) {
    return ['the report names no boxes to compare it with'];
  }
  const faults = extents
    .filter(({ map }) => !boxes.some(({ name }) => map === `${name}.map`))
    .map(({ map }) => `it tells of "${map}", which the report does not`);
  for (const { name, bbox } of boxes) {
    const extent = extents.find(({ map }) => map === `${name}.map`);
    if (!extent) {
      faults.push(`${name}.map is missing`);
    } else if (!extent.bbox.every((side, index) => Math.abs(side - bbox[index]!) <= TOLERANCE)) {
      faults.push(`${name}.map has ${extent.bbox.join(',')}, but ${bbox.join(',')} was asked`);
    }
  }
  return faults;
}
