/** Uploads of streams of unknown length, in parts, a few of them in memory at a time. */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { PutOptions } from '../ports.ts';

/** S3 takes 10,000 parts at most: 156 GiB with this. */
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** A stream can be read once only: unlike a file's, its upload is not repeated after a conflict. */
export async function uploadStream(
  client: S3Client,
  target: { Bucket: string; Key: string },
  body: Readable,
  { ifNoneMatch, contentType }: PutOptions,
): Promise<{ bytes: number; etag: string | undefined }> {
  let bytes = 0;
  const counted = body.map((chunk: Uint8Array | string) => {
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength;
    return chunk;
  });
  const done = await new Upload({
    client,
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
    // The parts of an upload that failed are removed; the bucket's lifecycle removes those of a process that died.
    leavePartsOnError: false,
    params: {
      ...target,
      Body: counted,
      // With parts, S3 checks the condition when the upload is completed.
      ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
      ...(contentType === undefined ? {} : { ContentType: contentType }),
    },
  }).done();
  return { bytes, etag: done.ETag };
}
