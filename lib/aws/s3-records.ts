/** The ledger over S3: one object a record, changed by conditional writes alone. */
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { RecordStore, Versioned } from '../ports.ts';
import { attemptsOf, isMissing, isPreconditionFailed, retryConflict, unquote } from './s3-errors.ts';
import { listObjects, type S3Place } from './s3-store.ts';
import { s3Uri } from './s3-uri.ts';

export class S3Records implements RecordStore {
  readonly #place: S3Place;
  readonly #prefix: string;

  constructor(place: S3Place) {
    this.#place = place;
    this.#prefix = place.prefix ?? '';
  }

  uri(key: string): string {
    return s3Uri(this.#place.bucket, this.#prefix + key);
  }

  async read<T>(key: string): Promise<Versioned<T> | undefined> {
    const found = await this.#read(key);
    return found && { value: this.#parse(key, found.body) as T, version: found.version };
  }

  async create(key: string, value: unknown): Promise<string | undefined> {
    return await this.#write(key, value, { IfNoneMatch: '*' });
  }

  async replace(key: string, value: unknown, version: string): Promise<string | undefined> {
    return await this.#write(key, value, { IfMatch: `"${version}"` });
  }

  async delete(key: string): Promise<void> {
    await this.#place.client.send(new DeleteObjectCommand(this.#object(key)));
  }

  async *list(prefix: string, options: { after?: string } = {}): AsyncIterable<string> {
    for await (const { Key = '' } of listObjects(this.#place, prefix, options.after)) {
      yield Key.slice(this.#prefix.length);
    }
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#prefix + key };
  }

  async #read(key: string): Promise<{ body: string; version: string } | undefined> {
    try {
      const got = await this.#place.client.send(new GetObjectCommand(this.#object(key)));
      return { body: await text(got.Body as Readable), version: unquote(got.ETag) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #write(
    key: string,
    value: unknown,
    condition: { IfNoneMatch: '*' } | { IfMatch: string },
  ): Promise<string | undefined> {
    const body = JSON.stringify(value);
    try {
      const put = await retryConflict(() =>
        this.#place.client.send(
          new PutObjectCommand({
            ...this.#object(key),
            ...condition,
            Body: body,
            ContentType: 'application/json',
          }),
        ),
      );
      return unquote(put.ETag);
    } catch (error) {
      // If-Match on a record that was deleted is answered with 404.
      const lost = isPreconditionFailed(error) || ('IfMatch' in condition && isMissing(error));
      if (!lost) throw error;
      return attemptsOf(error) > 1 ? await this.#ownWrite(key, body) : undefined;
    }
  }

  /**
   * The SDK repeats a PUT whose answer got lost; when the first had been carried out, the second one fails on it, and we
   * would believe that someone else had won. Then what stands there tells.
   */
  async #ownWrite(key: string, body: string): Promise<string | undefined> {
    const found = await this.#read(key);
    return found?.body === body ? found.version : undefined;
  }

  #parse(key: string, body: string): unknown {
    try {
      return JSON.parse(body);
    } catch (error) {
      throw new Error(`The record ${this.uri(key)} is not JSON: ${String(error)}`, { cause: error });
    }
  }
}
