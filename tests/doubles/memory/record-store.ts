import type { RecordStore, Versioned } from '../../../lib/ports.ts';
import { byBytes } from './object-store.ts';

export class MemoryRecords implements RecordStore {
  readonly records = new Map<string, { text: string; version: string }>();
  #versions = 0;

  uri(key: string): string {
    return `memory://ledger/${key}`;
  }

  async read<T>(key: string): Promise<Versioned<T> | undefined> {
    const record = this.records.get(key);
    return record && { value: JSON.parse(record.text) as T, version: record.version };
  }

  async create(key: string, value: unknown): Promise<string | undefined> {
    return this.records.has(key) ? undefined : this.#write(key, value);
  }

  async replace(key: string, value: unknown, version: string): Promise<string | undefined> {
    return this.records.get(key)?.version === version ? this.#write(key, value) : undefined;
  }

  async delete(key: string): Promise<void> {
    this.records.delete(key);
  }

  async *list(prefix: string, { after = '' }: { after?: string } = {}): AsyncIterable<string> {
    for (const key of [...this.records.keys()].sort(byBytes)) {
      if (key.startsWith(prefix) && byBytes(key, after) > 0) yield key;
    }
  }

  #write(key: string, value: unknown): string {
    this.#versions += 1;
    const version = String(this.#versions);
    this.records.set(key, { text: JSON.stringify(value), version });
    return version;
  }
}
