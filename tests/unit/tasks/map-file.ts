/** Makes small mapsforge maps, valid unless a test says otherwise. */

export interface MapFields {
  magic: string;
  version: number;
  /** Defaults to the file's real size. */
  fileBytes: number;
  date: number;
  bbox: [west: number, south: number, east: number, north: number];
  debug: boolean;
  startPosition: [latitude: number, longitude: number];
  startZoom: number;
  languages: string;
  comment: string;
  creator: string;
  poiTags: string[];
  wayTags: string[];
  intervals: {
    base: number;
    min: number;
    max: number;
    start?: number;
    bytes?: number;
    offsets?: number[];
    data?: number;
  }[];
}

export const MONACO: MapFields['bbox'] = [7.40905, 43.722, 7.44, 43.752];

const WATER = 0x80;

/** The bytes of a whole map: header, and for each interval an index and its tiles (filled with ones). */
export function makeMap(changes: Partial<MapFields> = {}): Buffer {
  const fields = {
    magic: 'mapsforge binary OSM',
    version: 3,
    date: 0,
    bbox: MONACO,
    debug: false,
    creator: 'tests',
    poiTags: ['amenity=bank', 'place=city'],
    wayTags: ['highway=primary'],
    intervals: [
      { base: 5, min: 0, max: 7, offsets: [10, 10], data: 20 },
      { base: 10, min: 8, max: 11, offsets: [10, 25], data: 30 },
      { base: 14, min: 12, max: 21, offsets: [15, 15, 45], data: 40 },
    ],
    ...changes,
  };
  const subFiles = fields.intervals.map((interval) => subFile(interval, fields.debug));
  const headerLength = header(fields, subFiles, 0, 0).length;
  const whole = headerLength + subFiles.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([header(fields, subFiles, headerLength, fields.fileBytes ?? whole), ...subFiles]);
}

function subFile({ offsets = [5], data = 1 }: MapFields['intervals'][number], debug: boolean): Buffer {
  const signature = Buffer.from(debug ? '+++IndexStart+++' : '');
  const index = offsets.map((offset) =>
    Buffer.concat([Buffer.from([WATER]), int(offset + signature.length, 4)]),
  );
  return Buffer.concat([signature, ...index, Buffer.alloc(data, 1)]);
}

function header(
  fields: Omit<MapFields, 'fileBytes' | 'startPosition' | 'startZoom' | 'languages' | 'comment'> &
    Partial<MapFields>,
  subFiles: Buffer[],
  headerLength: number,
  fileBytes: number,
): Buffer {
  const { startPosition, startZoom, languages, comment, creator } = fields;
  const [west, south, east, north] = fields.bbox;
  const flags =
    (fields.debug ? 0x80 : 0) |
    (startPosition ? 0x40 : 0) |
    (startZoom === undefined ? 0 : 0x20) |
    (languages === undefined ? 0 : 0x10) |
    (comment === undefined ? 0 : 0x08) |
    (creator === '' ? 0 : 0x04);
  let position = headerLength;
  const intervals = fields.intervals.map(({ base, min, max, start, bytes }, index) => {
    const length = subFiles[index]!.length;
    const entry = [
      int(base, 1),
      int(min, 1),
      int(max, 1),
      int(start ?? position, 8),
      int(bytes ?? length, 8),
    ];
    position += length;
    return Buffer.concat(entry);
  });
  const body = Buffer.concat([
    int(fields.version, 4),
    int(fileBytes, 8),
    int(fields.date, 8),
    ...[south, west, north, east].map(degrees),
    int(256, 2),
    text('Mercator'),
    int(flags, 1),
    ...(startPosition ?? []).map(degrees),
    ...(startZoom === undefined ? [] : [int(startZoom, 1)]),
    ...[languages, comment, creator === '' ? undefined : creator].flatMap((one) =>
      one === undefined ? [] : [text(one)],
    ),
    tags(fields.poiTags),
    tags(fields.wayTags),
    int(intervals.length, 1),
    ...intervals,
  ]);
  return Buffer.concat([Buffer.from(fields.magic), int(body.length, 4), body]);
}

function int(value: number, width: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes.subarray(8 - width);
}

function degrees(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Math.round(value * 1e6));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest >= 128; rest >>= 7) {
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

const tags = (values: string[]): Buffer => Buffer.concat([int(values.length, 2), ...values.map(text)]);
