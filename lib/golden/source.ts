/** `data/source.json`: golden files that are too large for the repository. Fetched once, and known by their checksum. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import { BadGoldenError } from './errors.ts';

export const RemoteFile = z.strictObject({
  name: z
    .string()
    .regex(/^[^./][^/]*(\/[^./][^/]*)*$/)
    .describe('As the input or output folder has it'),
  url: z
    .url({ protocol: /^(https?|s3)$/ })
    .describe('https://…, or s3://bucket/key with the credentials of the environment'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Hex'),
  bytes: z.int().min(0),
});
export type RemoteFile = z.infer<typeof RemoteFile>;

export const SourceFile = z.strictObject({
  $schema: z.string().exactOptional(),
  input: z.array(RemoteFile).exactOptional(),
  output: z.array(RemoteFile).exactOptional(),
});
export type SourceFile = z.infer<typeof SourceFile>;

/** Throws {@link BadGoldenError} with every fault. */
export function readSource(value: unknown, where: string): SourceFile {
  const parsed = SourceFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new BadGoldenError(`${where}: ${faults.join('; ')}`);
}

export type OpenUrl = (url: string) => Promise<Readable>;

/**
 * Path of the file in `cache`, fetched if it is not there: `<cache>/golden/<sha256>/<name>`. Throws {@link BadGoldenError} when
 * it cannot be had, or is another file; nothing is kept then.
 */
export async function fetchGolden(file: RemoteFile, cache: string, open: OpenUrl = openUrl): Promise<string> {
  const folder = join(cache, 'golden', file.sha256);
  const path = join(folder, file.name.slice(file.name.lastIndexOf('/') + 1));
  if (await isThere(path, file.bytes)) return path;
  await mkdir(folder, { recursive: true });
  const temp = `${path}.${process.pid}.part`;
  try {
    await download(file, temp, open);
    await rename(temp, path);
  } finally {
    await rm(temp, { force: true });
  }
  return path;
}

async function isThere(path: string, bytes: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.size === bytes;
}

async function download({ name, url, sha256, bytes }: RemoteFile, to: string, open: OpenUrl): Promise<void> {
  const hash = createHash('sha256');
  let count = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      count += chunk.length;
      hash.update(chunk);
      // Not to the end of whatever an address may give.
      done(count > bytes ? new Error(`it has more than ${bytes} bytes`) : null, chunk);
    },
  });
  try {
    await pipeline(await open(url), counted, createWriteStream(to));
  } catch (error) {
    throw new BadGoldenError(`${name} could not be fetched from ${url}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const found = hash.digest('hex');
  if (count === bytes && found === sha256) return;
  throw new BadGoldenError(
    `${url} is not ${name} as source.json knows it: ${count} bytes with SHA-256 ${found}, expected ${bytes} with ${sha256}`,
  );
}

async function openUrl(url: string): Promise<Readable> {
  if (url.startsWith('s3://')) return await openS3(new URL(url));
  const answer = await fetch(url);
  if (!answer.ok || !answer.body) throw new Error(`HTTP ${answer.status} ${answer.statusText}`);
  return Readable.fromWeb(answer.body);
}

/** The SDK takes a third of a second to load: only who keeps golden data there waits for it. */
async function openS3({ host, pathname }: URL): Promise<Readable> {
  const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const { s3Config } = await import('../aws/clients.ts');
  const { Body } = await new S3Client(s3Config(process.env)).send(
    new GetObjectCommand({ Bucket: host, Key: decodeURIComponent(pathname.slice(1)) }),
  );
  return Body as Readable;
}
