/**
 * Uploads of files in parts. By hand, where streams go through @aws-sdk/lib-storage: that makes two new buffers for each part,
 * and the garbage collector, which does not see their size, lets the process grow past 200 MB. Here each worker has one
 * buffer, and reads part after part into it.
 */
import { open, type FileHandle } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type CompleteMultipartUploadCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { PutOptions } from '../ports.ts';
import { attemptsOf, isMissing } from './s3-errors.ts';

const MIB = 1024 * 1024;
/** S3 takes 10,000 parts at most, of 5 MiB at least. */
const MAX_PARTS = 10_000;
const PART_BYTES = 8 * MIB;
/** 4 × 8 MiB fill a Fargate task's network. */
const PARTS_AT_ONCE = 4;

interface Target {
  Bucket: string;
  Key: string;
}

/** Parts grow with the file, so that the largest object that S3 takes (5 TiB) still fits into 10,000 of them. */
export const partBytes = (size: number): number =>
  Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);

export async function uploadFile(
  client: S3Client,
  target: Target,
  path: string,
  { ifNoneMatch, contentType }: PutOptions,
): Promise<{ bytes: number; etag: string | undefined }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const type = contentType === undefined ? {} : { ContentType: contentType };
    const condition = ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch };
    if (size <= PART_BYTES) {
      const Body = await readPart(file, Buffer.alloc(size), 0, path);
      const put = await client.send(new PutObjectCommand({ ...target, ...type, ...condition, Body }));
      return { bytes: size, etag: put.ETag };
    }
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...target, ...type, ChecksumAlgorithm: 'CRC32' }),
    );
    try {
      const Parts = await uploadParts(client, { ...target, UploadId }, { file, path, size });
      const all = { ...target, ...condition, UploadId, MultipartUpload: { Parts } };
      return { bytes: size, etag: await complete(client, all, size) };
    } catch (error) {
      // The upload's error is the one to tell; parts that this leaves behind are removed by the bucket's lifecycle.
      await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
      throw error;
    }
  } finally {
    await file.close();
  }
}

/**
 * The SDK repeats a request whose answer got lost. The second one finds no upload any more, when the first had been carried out:
 * then the object is there.
 */
async function complete(
  client: S3Client,
  input: CompleteMultipartUploadCommandInput & Target,
  size: number,
): Promise<string | undefined> {
  try {
    return (await client.send(new CompleteMultipartUploadCommand(input))).ETag;
  } catch (error) {
    if (!isMissing(error) || attemptsOf(error) === 1) throw error;
    const { Bucket, Key } = input;
    const found = await client.send(new HeadObjectCommand({ Bucket, Key }));
    if (found.ContentLength !== size) throw error;
    return found.ETag;
  }
}

async function uploadParts(
  client: S3Client,
  target: Target & { UploadId: string | undefined },
  { file, path, size }: { file: FileHandle; path: string; size: number },
): Promise<CompletedPart[]> {
  const length = partBytes(size);
  const count = Math.ceil(size / length);
  const parts: CompletedPart[] = Array.from({ length: count });
  let next = 0;
  const worker = async (): Promise<void> => {
    const buffer = Buffer.alloc(length);
    while (next < count) {
      const index = next++;
      const start = index * length;
      const Body = await readPart(file, buffer.subarray(0, Math.min(length, size - start)), start, path);
      const PartNumber = index + 1;
      const put = await client.send(
        new UploadPartCommand({ ...target, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }),
      );
      parts[index] = { PartNumber, ETag: put.ETag, ChecksumCRC32: put.ChecksumCRC32 };
    }
  };
  const workers = Array.from({ length: Math.min(PARTS_AT_ONCE, count) }, async () => {
    try {
      await worker();
    } catch (error) {
      // The others end with their present part: no part may still be under way when the upload is given up.
      next = count;
      throw error;
    }
  });
  const failed = (await Promise.allSettled(workers)).find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return parts;
}

/** Fills the buffer. A file that got shorter meanwhile is an error: half a file must not be uploaded as a whole one. */
async function readPart(file: FileHandle, buffer: Buffer, start: number, path: string): Promise<Buffer> {
  for (let filled = 0; filled < buffer.length;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`${path} got shorter while it was uploaded`);
    filled += bytesRead;
  }
  return buffer;
}
