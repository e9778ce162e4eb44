/**
 * Writes Protocol Buffers messages: the four field kinds that OSM's PBF format uses, and nothing else. A schema compiler
 * would be more code than these lines.
 */

const VARINT = 0;
const BYTES = 2;

/** One message being written. Field numbers are the schema's; numbers are whole and at most 2^53 in size. */
export class Message {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** uint32, uint64, int32 ≥ 0, bool or enum. */
  number(field: number, value: number): this {
    this.#tag(field, VARINT);
    this.#varint(value);
    return this;
  }

  /** sint32 or sint64. */
  signed(field: number, value: number): this {
    return this.number(field, zigzag(value));
  }

  /** string, bytes or an embedded message. */
  bytes(field: number, value: string | Uint8Array | Message): this {
    const bytes =
      value instanceof Message ? value.finish() : typeof value === 'string' ? Buffer.from(value) : value;
    this.#tag(field, BYTES);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A packed repeated field; nothing is written for an empty one. */
  packed(field: number, values: readonly number[], kind: 'unsigned' | 'signed' = 'unsigned'): this {
    if (values.length === 0) return this;
    const body = new Message();
    for (const value of values) body.#varint(kind === 'signed' ? zigzag(value) : value);
    return this.bytes(field, body);
  }

  /** The message so far. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  /** Seven bits a byte, lowest first. Shifts would cut numbers at 32 bits, so those only for what is left below. */
  #varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not a whole number ≥ 0: ${value}`);
    this.#reserve(10);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value;
    for (; rest >= 0x80000000; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) + 0x80;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.#length = at;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const bigger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bigger.set(this.finish());
    this.#bytes = bigger;
  }
}

/** Signed to unsigned so that small negatives stay short: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
