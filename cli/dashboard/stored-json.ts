/** A JSON object in a store that may come, and change, while it is watched: read again only when its ETag is another. */
import { text } from 'node:stream/consumers';
import type { ObjectStore } from '../../lib/ports.ts';

export class StoredJson {
  readonly #store: ObjectStore;
  readonly #key: string;
  #etag: string | undefined;
  /** Why what is there now cannot be used: a sentence. */
  trouble: string | undefined;

  constructor(store: ObjectStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Calls `use` with a new content. What `use` throws, and what is no JSON, becomes the trouble. */
  async look(use: (value: unknown) => void): Promise<void> {
    const found = await this.#store.head(this.#key);
    if (!found || found.etag === this.#etag) return;
    const body = await text(await this.#store.get(this.#key));
    this.#etag = found.etag;
    this.trouble = undefined;
    try {
      use(JSON.parse(body));
    } catch (error) {
      this.trouble = `${this.#store.uri(this.#key)} cannot be used: ${(error as Error).message}`;
    }
  }
}
