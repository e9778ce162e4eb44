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

const MIB = 1024 ** 2;
/** One request copies its bytes one after another, so that CopyObject's largest, 5 GiB, would outlast a function. */
const PART_BYTES = 256 * MIB;
const MAX_PARTS = 10_000;
/** Of each of the files that are copied at once (FILES_AT_ONCE): together no more than there are sockets (clients.ts). */
const PARTS_AT_ONCE = 12;

interface Place {
  Bucket: string;
  Key: string;
}

export interface CopyOptions {
  /** Of the copy; else the original's. */
  contentType?: string | undefined;
  /** Objects larger than this are copied in parts of at least this. */
  partBytes?: number;
}

/** Throws S3's 404 when there is no source, and its 412 when the source is replaced while it is copied. */
export async function copyObject(
  client: S3Client,
  source: Place,
  target: Place,
  { contentType, partBytes = PART_BYTES }: CopyOptions = {},
): Promise<Omit<ObjectInfo, 'key'>> {
  const head = await client.send(new HeadObjectCommand(source));
  const bytes = head.ContentLength ?? 0;
  const etag =
    bytes > partBytes
      ? await copyInParts(client, source, target, {
          bytes,
          etag: head.ETag,
          contentType: contentType ?? head.ContentType,
          partBytes: Math.max(partBytes, Math.ceil(bytes / MAX_PARTS)),
        })
      : await copyWhole(client, source, target, { etag: head.ETag, contentType });
  return { bytes, etag: unquote(etag), modifiedAt: Date.now() };
}

interface Whole {
  etag: string | undefined;
  contentType: string | undefined;
}

/** The header is URL-encoded, the slashes are not. */
const copySource = ({ Bucket, Key }: Place): string =>
  `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`;

async function copyWhole(client: S3Client, source: Place, target: Place, { etag, contentType }: Whole) {
  const { CopyObjectResult } = await client.send(
    new CopyObjectCommand({
      ...target,
      CopySource: copySource(source),
      CopySourceIfMatch: etag,
      ...(contentType === undefined
        ? {}
        : { MetadataDirective: 'REPLACE' as const, ContentType: contentType }),
    }),
  );
  return CopyObjectResult?.ETag;
}

async function copyInParts(
  client: S3Client,
  source: Place,
  target: Place,
  { bytes, etag, contentType, partBytes }: Whole & { bytes: number; partBytes: number },
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
