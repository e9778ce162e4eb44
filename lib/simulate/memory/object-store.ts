import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  ObjectExistsError,
  ObjectMissingError,
  type Clock,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
} from '../../ports.ts';
import { SortedKeys } from './sorted-keys.ts';

/** Objects in memory. */
export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, { body: Buffer; etag: string; modifiedAt: number }>();
  readonly #keys = new SortedKeys();
  readonly #name: string;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(name: string, clock: Pick<Clock, 'now'>) {
    this.#name = name;
    this.#clock = clock;
  }

  uri(key: string): string {
    return `memory://${this.#name}/${key}`;
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const object = this.objects.get(key);
    if (!object) return undefined;
    const { body, etag, modifiedAt } = object;
    return { key, bytes: body.length, etag, modifiedAt };
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const object = this.objects.get(key);
    if (!object) throw new ObjectMissingError(this.uri(key));
    const body = range ? object.body.subarray(range.start, range.end + 1) : object.body;
    return Readable.from([Buffer.from(body)]);
  }

  async put(
    key: string,
    body: string | Uint8Array | Readable,
    options: PutOptions = {},
  ): Promise<ObjectInfo> {
    const bytes = body instanceof Readable ? await buffer(body) : Buffer.from(body);
    if (options.ifNoneMatch && this.objects.has(key)) throw new ObjectExistsError(this.uri(key));
    this.#keys.add(key);
    const etag = createHash('md5').update(bytes).digest('hex');
    this.objects.set(key, { body: bytes, etag, modifiedAt: this.#clock.now() });
    return (await this.head(key))!;
  }

  async download(key: string, path: string): Promise<void> {
    await writeFile(path, await this.get(key));
  }

  async upload(path: string, key: string, options?: PutOptions): Promise<ObjectInfo> {
    return await this.put(key, await readFile(path), options);
  }

  async copyFrom(source: ObjectStore, sourceKey: string, key: string): Promise<ObjectInfo> {
    const known = source instanceof MemoryStore ? source.objects.get(sourceKey)?.body : undefined;
    return await this.put(key, known ?? (await source.get(sourceKey)));
  }

  async delete(key: string): Promise<void> {
    if (this.objects.delete(key)) this.#keys.delete(key);
  }

  async *list(prefix: string, { after = '' }: { after?: string } = {}): AsyncIterable<ObjectInfo> {
    for (const key of this.page(prefix, after, Number.POSITIVE_INFINITY)) {
      const info = await this.head(key);
      if (info) yield info;
    }
  }

  /** What one LIST answers. */
  page(prefix: string, after: string, limit: number): string[] {
    return this.#keys.page(prefix, after, limit);
  }
}
