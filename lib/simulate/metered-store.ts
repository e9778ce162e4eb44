/** Objects as S3Store asks S3 for them, request by request. Multipart uploads are counted as one PUT. */
import type { Readable } from 'node:stream';
import type { ObjectInfo, ObjectStore, PutOptions } from '../ports.ts';
import type { MemoryStore } from './memory/object-store.ts';
import type { Call } from './meter.ts';

const PAGE = 1000;

export class MeteredStore implements ObjectStore {
  readonly #store: MemoryStore;
  readonly #call: Call;

  constructor(store: MemoryStore, call: Call) {
    this.#store = store;
    this.#call = call;
  }

  uri(key: string): string {
    return this.#store.uri(key);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    await this.#call('s3:HeadObject');
    return await this.#store.head(key);
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Readable> {
    await this.#call('s3:GetObject');
    return await this.#store.get(key, range);
  }

  async put(key: string, body: string | Uint8Array | Readable, options?: PutOptions): Promise<ObjectInfo> {
    await this.#call('s3:PutObject');
    return await this.#store.put(key, body, options);
  }

  async download(key: string, path: string): Promise<void> {
    await this.#call('s3:GetObject');
    await this.#store.download(key, path);
  }

  async upload(path: string, key: string, options?: PutOptions): Promise<ObjectInfo> {
    await this.#call('s3:PutObject');
    return await this.#store.upload(path, key, options);
  }

  /** S3 copies after a HEAD that tells whether it must be done in parts. */
  async copyFrom(source: ObjectStore, sourceKey: string, key: string): Promise<ObjectInfo> {
    const from = source instanceof MeteredStore ? source.#store : source;
    await this.#call('s3:HeadObject');
    await this.#call('s3:CopyObject');
    return await this.#store.copyFrom(from, sourceKey, key);
  }

  async delete(key: string): Promise<void> {
    await this.#call('s3:DeleteObject');
    await this.#store.delete(key);
  }

  async *list(prefix: string, { after = '' }: { after?: string } = {}): AsyncIterable<ObjectInfo> {
    for (let last = after; ;) {
      await this.#call('s3:ListObjectsV2');
      const page = this.#store.page(prefix, last, PAGE);
      for (const key of page) {
        const info = await this.#store.head(key);
        if (info) yield info;
      }
      if (page.length < PAGE) return;
      last = page.at(-1)!;
    }
  }
}
