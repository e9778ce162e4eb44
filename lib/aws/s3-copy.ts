/** Copies inside S3: the bytes never pass through this process. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { mapLimit } from '../pipeline/concurrency.ts';
import type { ObjectInfo } from '../ports.ts';
import { unquote } from './s3-errors.ts';

const GIB = 1024 ** 3;
/** CopyObject takes 5 GiB at most. */
const COPY_LIMIT_BYTES = 5 * GIB;
/** 10,000 parts of this are 5 TiB, the largest object; S3 copies 512 MiB in a few seconds. */
const PART_BYTES = GIB / 2;
const PARTS_AT_ONCE = 8;

interface Place {
  Bucket: string;
  Key: string;
}

export interface CopyLimits {
  /** Objects larger than this are copied in parts. */
  limitBytes: number;
  partBytes: number;
}

/** Throws S3's 404 when there is no source, and its 412 when the source is replaced while it is copied. */
export async function copyObject(
  client: S3Client,
  source: Place,
  target: Place,
  limits: CopyLimits = { limitBytes: COPY_LIMIT_BYTES, partBytes: PART_BYTES },
): Promise<Omit<ObjectInfo, 'key'>> {
  const head = await client.send(new HeadObjectCommand(source));
  const found: Found = { bytes: head.ContentLength ?? 0, etag: head.ETag, contentType: head.ContentType };
  const etag =
    found.bytes > limits.limitBytes
      ? await copyInParts(client, source, target, found, limits.partBytes)
      : await copyWhole(client, source, target, found);
  return { bytes: found.bytes, etag: unquote(etag), modifiedAt: Date.now() };
}

interface Found {
  bytes: number;
  etag: string | undefined;
  contentType: string | undefined;
}

/** The header is URL-encoded, the slashes are not. */
const copySource = ({ Bucket, Key }: Place): string =>
  `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`;

async function copyWhole(client: S3Client, source: Place, target: Place, { etag }: Found) {
  const { CopyObjectResult } = await client.send(
    new CopyObjectCommand({ ...target, CopySource: copySource(source), CopySourceIfMatch: etag }),
  );
  return CopyObjectResult?.ETag;
}

async function copyInParts(
  client: S3Client,
  source: Place,
  target: Place,
  { bytes, etag, contentType }: Found,
  partBytes: number,
): Promise<string | undefined> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...target, ContentType: contentType }),
  );
  try {
    const numbers = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => index + 1);
    const Parts = await mapLimit(numbers, PARTS_AT_ONCE, async (PartNumber) => {
      const start = (PartNumber - 1) * partBytes;
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...target,
          UploadId,
          PartNumber,
          CopySource: copySource(source),
          CopySourceIfMatch: etag,
          CopySourceRange: `bytes=${start}-${Math.min(start + partBytes, bytes) - 1}`,
        }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag };
    });
    const done = await client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    return done.ETag;
  } catch (error) {
    // The copy's error is the one to tell; parts that this leaves behind are removed by the bucket's lifecycle.
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}
