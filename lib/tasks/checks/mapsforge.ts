/** Whether a `.map` is whole, and the map that was asked for. */
import type { Check, OutputContext } from '../define-task.ts';
import type { StagedFile } from '../../pipeline/attempt-record.ts';
import {
  BadMapError,
  readMapHeader,
  type MapHeader,
  type ReadRange,
  type ZoomInterval,
} from './map-header.ts';

/** 3 is what the writer makes, 4 with several languages, 5 with values of tags. */
const VERSIONS = [3, 4, 5];

/**
 * Degrees. The header counts in microdegrees and the writer cuts to them, so an asked box with more digits is off by less
 * than 0.000001; as much again is left for the writer's own arithmetic. On the ground: 0.2 m.
 */
export const BOX_TOLERANCE = 0.000_002;

/** The writer's clock and ours may differ; a map left over from another attempt is older than this. */
const CLOCK_SLACK_MS = 10 * 60_000;

/**
 * The header, what it says of the file (size, zoom intervals, tile indexes), and what was asked: the box that the handler
 * reports for the map of this name (`report.boxes`), and a date within the attempt. All faults are told in one result.
 */
export function mapsforgeMap({ tolerance = BOX_TOLERANCE } = {}): Check<unknown> {
  const check = 'mapsforge map';
  return {
    name: check,
    async run(file, context) {
      const read: ReadRange = (start, end) => context.read(file, start, end);
      try {
        const header = await readMapHeader(read);
        const faults = [
          ...fileFaults(header, file),
          ...boxFaults(header, file, context, tolerance),
          ...dateFaults(header, context),
          ...intervalFaults(header, file),
        ];
        // Indexes are looked up by the intervals: only where those are right.
        faults.push(...(faults.length === 0 ? await indexFaults(header, read) : []));
        const detail = faults.length > 0 ? faults.join('; ') : describe(header);
        return { check, file: file.name, ok: faults.length === 0, detail };
      } catch (error) {
        if (error instanceof BadMapError) {
          return { check, file: file.name, ok: false, detail: `no mapsforge map: ${error.message}` };
        }
        throw error;
      }
    },
  };
}

function fileFaults({ version, fileBytes }: MapHeader, file: StagedFile): string[] {
  const faults: string[] = [];
  if (!VERSIONS.includes(version)) {
    faults.push(`map version ${version}, but ${VERSIONS.join(', ')} are known`);
  }
  if (fileBytes !== file.bytes) {
    faults.push(`the header says ${fileBytes} bytes, the file has ${file.bytes}`);
  }
  return faults;
}

function boxFaults(
  { bbox }: MapHeader,
  file: StagedFile,
  { report }: OutputContext<unknown>,
  tolerance: number,
): string[] {
  const [west, south, east, north] = bbox;
  if (!(-180 <= west && west < east && east <= 180 && -90 <= south && south < north && north <= 90)) {
    return [`the box ${showBox(bbox)} is none on Earth`];
  }
  const name = file.name.replace(/\.map$/, '');
  const asked = report.boxes?.find((box) => box.name === name)?.bbox;
  if (!asked) {
    const known = report.boxes?.map((box) => box.name).join(', ') || 'none';
    return [
      `the report names no asked box for "${name}" (boxes: ${known}), so the map's ${showBox(bbox)} cannot be compared`,
    ];
  }
  const off = Math.max(...asked.map((side, index) => Math.abs(side - bbox[index]!)));
  return off <= tolerance
    ? []
    : [`the box is ${showBox(bbox)}, but ${showBox(asked)} was asked: ${off.toFixed(6)}° off`];
}

function dateFaults({ date }: MapHeader, { record, job }: OutputContext<unknown>): string[] {
  const attempt = job.attempts.find((one) => one.attempt === record.attempt);
  // The container's own times are on the clock that the map was dated by.
  const began = record.exit?.startedAt ?? attempt?.startedAt ?? attempt?.claimedAt ?? job.acceptedAt;
  const ended = record.exit?.endedAt ?? attempt?.endedAt ?? job.updatedAt;
  if (date < began - CLOCK_SLACK_MS) {
    return [`it is dated ${showTime(date)}, before this attempt began (${showTime(began)})`];
  }
  return date > ended + CLOCK_SLACK_MS
    ? [`it is dated ${showTime(date)}, after this attempt ended (${showTime(ended)})`]
    : [];
}

function intervalFaults({ zoomIntervals, headerBytes }: MapHeader, file: StagedFile): string[] {
  if (zoomIntervals.length === 0) {
    return ['it has no zoom intervals'];
  }
  const faults: string[] = [];
  let previous: ZoomInterval = { base: -1, min: -1, max: -1, start: 0, bytes: headerBytes };
  for (const interval of zoomIntervals) {
    const { base, min, max, start, bytes } = interval;
    const zoom = `zoom ${min}–${max}`;
    if (!(min <= base && base <= max)) {
      faults.push(`${zoom} has its base ${base} outside`);
    }
    if (min <= previous.max) {
      faults.push(`${zoom} begins before ${previous.max + 1}`);
    }
    if (bytes === 0 || start + bytes > file.bytes) {
      faults.push(`${zoom} lies in bytes ${start} to ${start + bytes}, but the file has ${file.bytes}`);
    }
    if (start < previous.start + previous.bytes) {
      faults.push(`${zoom} begins at byte ${start}, inside what ends at ${previous.start + previous.bytes}`);
    }
    previous = interval;
  }
  return faults;
}

const ENTRY_BYTES = 5;
const SIGNATURE_BYTES = 16;
/** Index entries looked at from the start of each sub-file: 16 KB. */
const ENTRIES_READ = 3276;

/**
 * A sub-file begins with its index: one offset a tile, 39 bits in 5 bytes, the first pointing behind the index. Offsets never
 * go back and never leave the sub-file. A writer whose disk was full leaves zeros here, in a file of the right length.
 */
async function indexFaults({ zoomIntervals, debug }: MapHeader, read: ReadRange): Promise<string[]> {
  const faults: string[] = [];
  for (const interval of zoomIntervals) {
    const first = interval.start + (debug ? SIGNATURE_BYTES : 0);
    const fault = await indexFault(interval, first, read);
    if (fault !== undefined) {
      faults.push(`zoom ${interval.min}–${interval.max}: ${fault}`);
    }
  }
  return faults;
}

async function indexFault(
  { start, bytes }: ZoomInterval,
  first: number,
  read: ReadRange,
): Promise<string | undefined> {
  const end = start + bytes;
  const head = offsets(await read(first, Math.min(first + ENTRIES_READ * ENTRY_BYTES, end) - 1));
  const dataStart = head[0] ?? 0;
  const entries = (start + dataStart - first) / ENTRY_BYTES;
  if (entries < 1 || !Number.isInteger(entries) || dataStart > bytes) {
    return `its tile index is broken: the first tile would begin at byte ${dataStart} of ${bytes}`;
  }
  const last = offsets(await read(start + dataStart - ENTRY_BYTES, start + dataStart - 1));
  const known = [...head.slice(0, entries), ...last];
  const wrong = known.findIndex(
    (offset, index) => offset < (known[index - 1] ?? dataStart) || offset > bytes,
  );
  return wrong < 0
    ? undefined
    : `its tile index is broken: tile ${wrong < head.length ? wrong : entries - 1} of ${entries} begins at byte ${known[wrong]} of ${bytes}`;
}

/** The top bit of an entry says that the tile is all water. */
function offsets(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / ENTRY_BYTES) }, (_, index) => {
    const entry = bytes.readUIntBE(index * ENTRY_BYTES, ENTRY_BYTES);
    return entry % 2 ** 39;
  });
}

function describe({ version, fileBytes, bbox, date, zoomIntervals }: MapHeader): string {
  const zooms = zoomIntervals.map(({ min, max }) => `${min}–${max}`).join(', ');
  return `version ${version}, ${fileBytes} bytes, box ${showBox(bbox)} as asked, zoom ${zooms}, dated ${showTime(date)}`;
}

const showBox = (bbox: readonly number[]): string => bbox.map((side) => side.toFixed(6)).join(',');
// A broken date may lie beyond what Date can hold.
const showTime = (ms: number): string => (ms <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`);
