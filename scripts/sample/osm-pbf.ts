/**
 * Writes OpenStreetMap's `.osm.pbf`: sorted by type and id, dense nodes, zlib blobs, a box in the header.
 * Format: https://wiki.openstreetmap.org/wiki/PBF_Format. Field numbers below are those of its two `.proto` files.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import { Message } from './protobuf.ts';

export type Tags = Record<string, string>;

export interface Node {
  id: number;
  /** Degrees, WGS84. */
  lon: number;
  lat: number;
  tags?: Tags;
}

export interface Way {
  id: number;
  refs: readonly number[];
  tags?: Tags;
}

export interface Member {
  type: 'node' | 'way' | 'relation';
  ref: number;
  role: string;
}

export interface Relation {
  id: number;
  members: readonly Member[];
  tags?: Tags;
}

/** Degrees: west, south, east, north. */
export type Box = readonly [west: number, south: number, east: number, north: number];

export interface PbfContent {
  box: Box;
  /** Said by the header to be the state of the data. */
  timestamp: Date;
  /** Each in rising order of id; read once, so generators do for files larger than memory. */
  nodes: Iterable<Node>;
  ways: Iterable<Way>;
  relations: Iterable<Relation>;
}

export interface PbfOptions {
  /** Default true. False stores the blobs raw: five times the bytes, and fast to write, for load tests. */
  compress?: boolean;
}

/** What every PBF writer uses: blocks stay far under the format's 16 MiB. */
const ELEMENTS_PER_BLOCK = 8000;
/** Coordinates are stored in units of 100 nanodegrees (the format's default granularity), about 1 cm. */
const UNITS_PER_DEGREE = 1e7;
const NANODEGREES = 1e9;
const MEMBER_TYPES = { node: 0, way: 1, relation: 2 } as const;

/**
 * Writes a file, one block at a time.
 *
 * @returns its size in bytes
 * @throws Error when the elements of a type are not in rising order of id, or the file cannot be written
 */
export async function writePbf(path: string, content: PbfContent, options: PbfOptions = {}): Promise<number> {
  const compress = options.compress ?? true;
  const file = await open(path, 'w');
  try {
    let bytes = await writeBlob(file, 'OSMHeader', header(content), compress);
    for (const block of blocks('node', content.nodes)) {
      bytes += await writeBlob(file, 'OSMData', denseNodes(block), compress);
    }
    for (const block of blocks('way', content.ways)) {
      bytes += await writeBlob(file, 'OSMData', wayBlock(block), compress);
    }
    for (const block of blocks('relation', content.relations)) {
      bytes += await writeBlob(file, 'OSMData', relationBlock(block), compress);
    }
    return bytes;
  } finally {
    await file.close();
  }
}

function* blocks<T extends { id: number }>(type: string, elements: Iterable<T>): Generator<T[]> {
  let block: T[] = [];
  let last = 0;
  for (const element of elements) {
    if (element.id <= last)
      throw new Error(`A sorted file needs rising ids: ${type} ${element.id} after ${last}`);
    last = element.id;
    block.push(element);
    if (block.length === ELEMENTS_PER_BLOCK) {
      yield block;
      block = [];
    }
  }
  if (block.length > 0) yield block;
}

async function writeBlob(file: FileHandle, type: string, data: Message, compress: boolean): Promise<number> {
  const raw = data.finish();
  const blob = compress
    ? new Message().number(2, raw.length).bytes(3, deflateSync(raw))
    : new Message().bytes(1, raw);
  const blobHeader = new Message().bytes(1, type).number(3, blob.finish().length).finish();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(blobHeader.length);
  const bytes = Buffer.concat([length, blobHeader, blob.finish()]);
  await file.write(bytes);
  return bytes.length;
}

function header({ box: [west, south, east, north], timestamp }: PbfContent): Message {
  const box = new Message()
    .signed(1, Math.round(west * NANODEGREES))
    .signed(2, Math.round(east * NANODEGREES))
    .signed(3, Math.round(north * NANODEGREES))
    .signed(4, Math.round(south * NANODEGREES));
  return new Message()
    .bytes(1, box)
    .bytes(4, 'OsmSchema-V0.6')
    .bytes(4, 'DenseNodes')
    .bytes(5, 'Sort.Type_then_ID')
    .bytes(16, 'longshore sample')
    .number(32, Math.floor(timestamp.getTime() / 1000));
}

/** A block's strings, each once; index 0 is reserved by the format. */
class StringTable {
  #index = new Map<string, number>([['', 0]]);

  indexOf(text: string): number {
    let index = this.#index.get(text);
    if (index === undefined) {
      index = this.#index.size;
      this.#index.set(text, index);
    }
    return index;
  }

  keys(tags: Tags = {}): number[] {
    return Object.keys(tags).map((key) => this.indexOf(key));
  }

  values(tags: Tags = {}): number[] {
    return Object.values(tags).map((value) => this.indexOf(value));
  }

  message(): Message {
    const table = new Message();
    for (const text of this.#index.keys()) table.bytes(1, text);
    return table;
  }
}

function primitiveBlock(strings: StringTable, group: Message): Message {
  return new Message().bytes(1, strings.message()).bytes(2, group);
}

function denseNodes(nodes: readonly Node[]): Message {
  const strings = new StringTable();
  const keysAndValues: number[] = [];
  for (const node of nodes) {
    for (const key in node.tags) keysAndValues.push(strings.indexOf(key), strings.indexOf(node.tags[key]!));
    keysAndValues.push(0);
  }
  const dense = new Message()
    .packed(1, deltas(nodes.map((node) => node.id)), 'signed')
    .packed(8, deltas(nodes.map((node) => Math.round(node.lat * UNITS_PER_DEGREE))), 'signed')
    .packed(9, deltas(nodes.map((node) => Math.round(node.lon * UNITS_PER_DEGREE))), 'signed')
    .packed(10, keysAndValues);
  return primitiveBlock(strings, new Message().bytes(2, dense));
}

function wayBlock(ways: readonly Way[]): Message {
  const strings = new StringTable();
  const group = new Message();
  for (const way of ways) {
    group.bytes(
      3,
      new Message()
        .number(1, way.id)
        .packed(2, strings.keys(way.tags))
        .packed(3, strings.values(way.tags))
        .packed(8, deltas(way.refs), 'signed'),
    );
  }
  return primitiveBlock(strings, group);
}

function relationBlock(relations: readonly Relation[]): Message {
  const strings = new StringTable();
  const group = new Message();
  for (const { id, tags, members } of relations) {
    group.bytes(
      4,
      new Message()
        .number(1, id)
        .packed(2, strings.keys(tags))
        .packed(3, strings.values(tags))
        .packed(
          8,
          members.map((member) => strings.indexOf(member.role)),
        )
        .packed(9, deltas(members.map((member) => member.ref)), 'signed')
        .packed(
          10,
          members.map((member) => MEMBER_TYPES[member.type]),
        ),
    );
  }
  return primitiveBlock(strings, group);
}

function deltas(values: readonly number[]): number[] {
  return values.map((value, position) => value - (position === 0 ? 0 : values[position - 1]!));
}
