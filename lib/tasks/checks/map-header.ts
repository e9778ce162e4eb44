/**
 * The header of a mapsforge map, read by ranges: two small reads, however large the map is.
 *
 * All numbers are big-endian. After 20 bytes of magic and 4 of header size (which counts what follows it) come: version
 * (4 bytes), file size (8), date in ms (8), box in microdegrees as south, west, north, east (4 each), tile size in pixels
 * (2), projection (text), flags (1) and what they announce, POI tags, way tags, zoom intervals. Text and tags begin with their
 * length: text as a variable number (7 bits a byte, the lowest first, the top bit says that more follow), tags as 2 bytes.
 * https://github.com/mapsforge/mapsforge/blob/master/docs/Specification-Binary-Map-File.md
 */

export const MAGIC = 'mapsforge binary OSM';
/** Magic and header size. */
export const PREAMBLE_BYTES = 24;
/** Headers have a few kilobytes: two tables of at most 65,535 short tags are the only thing that grows. */
const MOST_HEADER_BYTES = 4 * 1024 ** 2;

export interface ZoomInterval {
  /** The zoom level whose tiles the sub-file is cut into. */
  base: number;
  min: number;
  max: number;
  /** Where the sub-file begins in the file, and its length. */
  start: number;
  bytes: number;
}

export interface MapHeader {
  /** Bytes from the start of the file to the first that is not header. */
  headerBytes: number;
  version: number;
  /** What the file says of its own size. */
  fileBytes: number;
  /** Milliseconds since the epoch. */
  date: number;
  /** `[west, south, east, north]` in degrees. */
  bbox: [number, number, number, number];
  /** Pixels. */
  tileSize: number;
  projection: string;
  /** Signatures stand between the parts. */
  debug: boolean;
  startPosition?: { latitude: number; longitude: number };
  startZoom?: number;
  languages?: string;
  comment?: string;
  creator?: string;
  poiTags: string[];
  wayTags: string[];
  zoomIntervals: ZoomInterval[];
}

/** The file is no mapsforge map, or ends inside its header: the message says where. */
export class BadMapError extends Error {
  override name = 'BadMapError';
}

/** Bytes `start`…`end` (inclusive) of a file; shorter at its end. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** Throws {@link BadMapError}; what the fields say is not judged here. */
export async function readMapHeader(read: ReadRange): Promise<MapHeader> {
  const preamble = await read(0, PREAMBLE_BYTES - 1);
  if (preamble.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) {
    throw new BadMapError(
      `it does not begin with "${MAGIC}" but with ${showBytes(preamble.subarray(0, MAGIC.length))}`,
    );
  }
  if (preamble.length < PREAMBLE_BYTES) {
    throw new BadMapError(`it ends after ${preamble.length} bytes, inside the header size`);
  }
  const size = preamble.readUInt32BE(MAGIC.length);
  if (size > MOST_HEADER_BYTES) {
    throw new BadMapError(
      `its header size is ${size} bytes; more than ${MOST_HEADER_BYTES} are not believed`,
    );
  }
  const body = size === 0 ? Buffer.alloc(0) : await read(PREAMBLE_BYTES, PREAMBLE_BYTES + size - 1);
  if (body.length < size) {
    throw new BadMapError(`it ends inside its header: ${body.length} of ${size} bytes are there`);
  }
  return parseHeader(new HeaderReader(body));
}

const FLAGS = {
  debug: 0x80,
  startPosition: 0x40,
  startZoom: 0x20,
  languages: 0x10,
  comment: 0x08,
  creator: 0x04,
};

function parseHeader(reader: HeaderReader): MapHeader {
  const version = reader.unsigned('version', 4);
  const fileBytes = reader.unsigned('file size', 8);
  const date = reader.unsigned('date', 8);
  const [south, west, north, east] = [
    reader.degrees('box'),
    reader.degrees('box'),
    reader.degrees('box'),
    reader.degrees('box'),
  ];
  const tileSize = reader.unsigned('tile size', 2);
  const projection = reader.text('projection');
  const flags = reader.unsigned('flags', 1);
  const optional = <T>(flag: number, parse: () => T): T | undefined =>
    (flags & flag) === 0 ? undefined : parse();
  // In the order of the file: each moves the reader on.
  const start = optional(FLAGS.startPosition, () => ({
    latitude: reader.degrees('start position'),
    longitude: reader.degrees('start position'),
  }));
  const startZoom = optional(FLAGS.startZoom, () => reader.unsigned('start zoom', 1));
  const languages = optional(FLAGS.languages, () => reader.text('languages'));
  const comment = optional(FLAGS.comment, () => reader.text('comment'));
  const creator = optional(FLAGS.creator, () => reader.text('creator'));
  const poiTags = reader.tags('POI tags');
  const wayTags = reader.tags('way tags');
  const zoomIntervals = reader.zoomIntervals();
  return {
    headerBytes: PREAMBLE_BYTES + reader.length,
    version,
    fileBytes,
    date,
    bbox: [west, south, east, north],
    tileSize,
    projection,
    debug: (flags & FLAGS.debug) !== 0,
    ...(start && { startPosition: start }),
    ...(startZoom !== undefined && { startZoom }),
    ...(languages !== undefined && { languages }),
    ...(comment !== undefined && { comment }),
    ...(creator !== undefined && { creator }),
    poiTags,
    wayTags,
    zoomIntervals,
  };
}

/** Reads field after field; a field that the header is too short for is named. */
class HeaderReader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  unsigned(field: string, width: 1 | 2 | 4 | 8): number {
    const taken = this.take(field, width);
    const value = width === 8 ? Number(taken.readBigUInt64BE()) : taken.readUIntBE(0, width);
    if (!Number.isSafeInteger(value)) {
      throw new BadMapError(`its field "${field}" is ${value}, which no real file has`);
    }
    return value;
  }

  degrees(field: string): number {
    return this.take(field, 4).readInt32BE() / 1e6;
  }

  text(field: string): string {
    return this.take(field, this.variable(field)).toString('utf8');
  }

  tags(field: string): string[] {
    return Array.from({ length: this.unsigned(field, 2) }, () => this.text(field));
  }

  zoomIntervals(): ZoomInterval[] {
    const field = 'zoom intervals';
    return Array.from({ length: this.unsigned(field, 1) }, () => ({
      base: this.unsigned(field, 1),
      min: this.unsigned(field, 1),
      max: this.unsigned(field, 1),
      start: this.unsigned(field, 8),
      bytes: this.unsigned(field, 8),
    }));
  }

  /** Multiplied, not shifted: a broken file may hold more than 31 bits, and `take` must still see a length that is too long. */
  private variable(field: string): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.take(field, 1)[0]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return value;
      }
    }
  }

  private take(field: string, length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) {
      throw new BadMapError(
        `its header (${this.bytes.length} bytes) ends inside the field "${field}", which is ${length} bytes from byte ${this.at}`,
      );
    }
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }
}

const showBytes = (bytes: Buffer): string =>
  bytes.length === 0 ? 'nothing' : JSON.stringify(bytes.toString('latin1').replace(/[^\x20-\x7e]/g, '·'));
