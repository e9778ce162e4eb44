import type { RecordStore, Versioned } from '../../ports.ts';
import { SortedKeys } from './sorted-keys.ts';

const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The ledger in memory, with the compare-and-swap of S3. */
export class MemoryRecords implements RecordStore {
  readonly records = new Map<string, { value: unknown; version: string }>();
  readonly #keys = new SortedKeys();
  readonly #copy: <T>(value: T) => T;
  #versions = 0;

  /** `copy` stands between the caller's objects and the store's. A simulation of 10,000 jobs cannot pay for JSON. */
  constructor(copy = throughJson) {
    this.#copy = copy;
  }

  uri(key: string): string {
    return `memory://ledger/${key}`;
  }

  async read<T>(key: string): Promise<Versioned<T> | undefined> {
    const record = this.records.get(key);
    return record && { value: this.#copy(record.value as T), version: record.version };
  }

  async create(key: string, value: unknown): Promise<string | undefined> {
    if (this.records.has(key)) return undefined;
    this.#keys.add(key);
    return this.#write(key, value);
  }

  async replace(key: string, value: unknown, version: string): Promise<string | undefined> {
    return this.records.get(key)?.version === version ? this.#write(key, value) : undefined;
  }

  async delete(key: string): Promise<void> {
    if (this.records.delete(key)) this.#keys.delete(key);
  }

  async *list(prefix: string, { after = '' }: { after?: string } = {}): AsyncIterable<string> {
    yield* this.page(prefix, after, Number.POSITIVE_INFINITY);
  }

  /** What one LIST answers. */
  page(prefix: string, after: string, limit: number): string[] {
    return this.#keys.page(prefix, after, limit);
  }

  #write(key: string, value: unknown): string {
    this.#versions += 1;
    const version = String(this.#versions);
    this.records.set(key, { value: this.#copy(value), version });
    return version;
  }
}
