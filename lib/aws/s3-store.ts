/** The object store over S3: a bucket, or a prefix of one. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  type _Object as S3Object,
} from '@aws-sdk/client-s3';
import { ObjectExistsError, ObjectMissingError } from '../ports.ts';
import type { ObjectInfo, ObjectStore, PutOptions } from '../ports.ts';
import { copyObject } from './s3-copy.ts';
import { isMissing, isPreconditionFailed, isRangeBehindEnd, retryConflict, unquote } from './s3-errors.ts';
import { uploadFile } from './s3-upload-file.ts';
import { uploadStream } from './s3-upload.ts';
import { s3Uri } from './s3-uri.ts';

/** A connection that breaks in the middle of a large object is taken up again where it broke, so often in all. */
const DOWNLOAD_TRIES = 5;

export interface S3Place {
  client: S3Client;
  bucket: string;
  /** Ends with `/`, or is empty. */
  prefix?: string;
}

export class S3Store implements ObjectStore {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;

  constructor({ client, bucket, prefix = '' }: S3Place) {
    if (prefix !== '' && !prefix.endsWith('/')) throw new Error(`The prefix "${prefix}" must end with /`);
    this.client = client;
    this.bucket = bucket;
    this.prefix = prefix;
  }

  uri(key: string): string {
    return s3Uri(this.bucket, this.prefix + key);
  }

  /** Bucket and key as S3 commands take them. */
  place(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: this.prefix + key };
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const head = await this.client.send(new HeadObjectCommand(this.place(key)));
      return {
        key,
        bytes: head.ContentLength ?? 0,
        etag: unquote(head.ETag),
        modifiedAt: head.LastModified?.getTime() ?? 0,
      };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const Range = range && `bytes=${range.start}-${range.end}`;
    try {
      return (await this.#get(key, { Range })).body;
    } catch (error) {
      if (range && isRangeBehindEnd(error)) return Readable.from([]);
      throw error;
    }
  }

  async #get(
    key: string,
    options: { Range?: string | undefined; IfMatch?: string },
  ): Promise<{ body: Readable; bytes: number; etag: string }> {
    try {
      const got = await this.client.send(new GetObjectCommand({ ...this.place(key), ...options }));
      // On Node the body is a stream of node:http with helpers mixed in.
      return { body: got.Body as Readable, bytes: got.ContentLength ?? 0, etag: got.ETag ?? '' };
    } catch (error) {
      if (isMissing(error)) throw new ObjectMissingError(this.uri(key), { cause: error });
      throw error;
    }
  }

  async put(
    key: string,
    body: string | Uint8Array | Readable,
    options: PutOptions = {},
  ): Promise<ObjectInfo> {
    return await this.#write(key, async () => {
      if (body instanceof Readable) return await uploadStream(this.client, this.place(key), body, options);
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      const put = await retryConflict(() =>
        this.client.send(new PutObjectCommand({ ...this.place(key), Body: bytes, ...headers(options) })),
      );
      return { bytes: bytes.byteLength, etag: put.ETag };
    });
  }

  async upload(path: string, key: string, options: PutOptions = {}): Promise<ObjectInfo> {
    // From the start each time: a conflict shows only when the last part is there.
    return await this.#write(key, () =>
      retryConflict(() => uploadFile(this.client, this.place(key), path, options)),
    );
  }

  async #write(
    key: string,
    write: () => Promise<{ bytes: number; etag: string | undefined }>,
  ): Promise<ObjectInfo> {
    try {
      const { bytes, etag } = await write();
      return { key, bytes, etag: unquote(etag), modifiedAt: Date.now() };
    } catch (error) {
      if (isPreconditionFailed(error)) throw new ObjectExistsError(this.uri(key), { cause: error });
      throw error;
    }
  }

  async download(key: string, path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const part = `${path}.${process.pid}.part`;
    try {
      await this.#downloadTo(key, part);
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  async #downloadTo(key: string, part: string): Promise<void> {
    const first = await this.#get(key, {});
    let body = first.body;
    for (let tries = 1; ; tries += 1) {
      const start = tries === 1 ? 0 : (await stat(part)).size;
      try {
        await pipeline(body, createWriteStream(part, { flags: start === 0 ? 'w' : 'a' }));
      } catch (error) {
        if (tries >= DOWNLOAD_TRIES || isDiskError(error)) throw error;
      }
      const { size } = await stat(part);
      if (size === first.bytes) return;
      if (tries >= DOWNLOAD_TRIES) {
        throw new Error(`${this.uri(key)} ended after ${size} of ${first.bytes} bytes, ${tries} times`);
      }
      // The rest of the very same object: S3 answers 412 if it was replaced meanwhile.
      body = (await this.#get(key, { Range: `bytes=${size}-`, IfMatch: first.etag })).body;
    }
  }

  async copyFrom(
    source: ObjectStore,
    sourceKey: string,
    key: string,
    { contentType }: Pick<PutOptions, 'contentType'> = {},
  ): Promise<ObjectInfo> {
    if (!(source instanceof S3Store)) {
      throw new Error(`${source.uri(sourceKey)} is not in S3: it cannot be copied to ${this.uri(key)}`);
    }
    try {
      const copied = await copyObject(this.client, source.place(sourceKey), this.place(key), { contentType });
      return { key, ...copied };
    } catch (error) {
      if (isMissing(error)) throw new ObjectMissingError(source.uri(sourceKey), { cause: error });
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand(this.place(key)));
  }

  async *list(prefix: string, options: { after?: string } = {}): AsyncIterable<ObjectInfo> {
    for await (const { Key = '', Size = 0, ETag, LastModified } of listObjects(this, prefix, options.after)) {
      yield {
        key: Key.slice(this.prefix.length),
        bytes: Size,
        etag: unquote(ETag),
        modifiedAt: LastModified?.getTime() ?? 0,
      };
    }
  }
}

/** Every object below a prefix of the place, 1,000 a page (the most that S3 gives). */
export async function* listObjects(
  place: S3Place,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<S3Object> {
  const { client, bucket, prefix: root = '' } = place;
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: root + prefix,
        ...(after === undefined ? {} : { StartAfter: root + after }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    yield* page.Contents ?? [];
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

const headers = ({ ifNoneMatch, contentType }: PutOptions) => ({
  ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
  ...(contentType === undefined ? {} : { ContentType: contentType }),
});

/** Our own disk's fault is not healed by asking S3 again. */
const isDiskError = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
