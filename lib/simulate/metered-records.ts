/** The ledger as S3Records asks S3 for it, request by request. */
import type { RecordStore, Versioned } from '../ports.ts';
import type { MemoryRecords } from './memory/record-store.ts';
import type { Call } from './meter.ts';

/** Keys that one LIST answers. */
const PAGE = 1000;

export class MeteredRecords implements RecordStore {
  readonly #records: MemoryRecords;
  readonly #call: Call;
  readonly #lost: (key: string) => void;

  /** `lost` hears of each write that somebody else was faster than. */
  constructor(records: MemoryRecords, call: Call, lost: (key: string) => void = () => {}) {
    this.#records = records;
    this.#call = call;
    this.#lost = lost;
  }

  uri(key: string): string {
    return this.#records.uri(key);
  }

  async read<T>(key: string): Promise<Versioned<T> | undefined> {
    await this.#call('s3:GetObject');
    return await this.#records.read<T>(key);
  }

  async create(key: string, value: unknown): Promise<string | undefined> {
    await this.#call('s3:PutObject');
    return await this.#records.create(key, value);
  }

  async replace(key: string, value: unknown, version: string): Promise<string | undefined> {
    await this.#call('s3:PutObject');
    const written = await this.#records.replace(key, value, version);
    if (written === undefined) this.#lost(key);
    return written;
  }

  async delete(key: string): Promise<void> {
    await this.#call('s3:DeleteObject');
    await this.#records.delete(key);
  }

  async *list(prefix: string, { after = '' }: { after?: string } = {}): AsyncIterable<string> {
    for (let last = after; ;) {
      await this.#call('s3:ListObjectsV2');
      const page = this.#records.page(prefix, last, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      last = page.at(-1)!;
    }
  }
}
