/** Uploads of any size in parts, a few of them in memory at a time. */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { PutOptions } from '../ports.ts';

const MIB = 1024 * 1024;
/** S3 takes 10,000 parts at most, of 5 MiB at least. */
const MAX_PARTS = 10_000;
const FILE_PART_BYTES = 8 * MIB;
/** A stream's length is not known beforehand: 10,000 parts of this are 156 GiB. */
const STREAM_PART_BYTES = 16 * MIB;
/** Parts in flight: 4 × 8 MiB fill a Fargate task's network, and keep the process far below 200 MB. */
const PARTS_AT_ONCE = 4;

interface Target {
  Bucket: string;
  Key: string;
}

interface Uploaded {
  bytes: number;
  etag: string | undefined;
}

/** Parts grow with the file, so that the largest object that S3 takes (5 TiB) still fits into 10,000 of them. */
export const partBytes = (size: number): number =>
  Math.max(FILE_PART_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);

export async function uploadFile(
  client: S3Client,
  target: Target,
  file: { body: () => Readable; size: number },
  options: PutOptions,
): Promise<Uploaded> {
  const body = file.body();
  try {
    return await upload(client, target, body, partBytes(file.size), PARTS_AT_ONCE, options);
  } finally {
    body.destroy();
  }
}

/** A stream can be read once only: unlike a file's, its upload is not repeated after a conflict. */
export async function uploadStream(
  client: S3Client,
  target: Target,
  body: Readable,
  options: PutOptions,
): Promise<Uploaded> {
  return await upload(client, target, body, STREAM_PART_BYTES, 2, options);
}

async function upload(
  client: S3Client,
  target: Target,
  body: Readable,
  partSize: number,
  queueSize: number,
  { ifNoneMatch, contentType }: PutOptions,
): Promise<Uploaded> {
  let bytes = 0;
  const counted = body.map((chunk: Uint8Array | string) => {
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength;
    return chunk;
  });
  const done = await new Upload({
    client,
    partSize,
    queueSize,
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
