/** A file of 2 GB goes through the S3 adapter in parts; the process that uploads it stays small. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startSink, type Sink } from '../doubles/s3-sink.ts';

const BYTES = 2 * 1024 ** 3;
const PART_BYTES = 8 * 1024 ** 2;
const MAX_RSS_BYTES = 200e6;

let sink: Sink;
let folder: string;
beforeAll(async () => {
  sink = await startSink();
  folder = await mkdtemp(join(tmpdir(), 'longshore-large-'));
});
afterAll(async () => {
  await sink.stop();
  await rm(folder, { recursive: true });
});

/** A file that takes no disk: zeros, but for a mark at the start of each part that tells the parts apart. */
async function makeFile(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(BYTES);
  for (let at = 0; at < BYTES; at += PART_BYTES) await file.write(mark(at / PART_BYTES), 0, 8, at);
  await file.close();
}

function mark(part: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(part + 1);
  return bytes;
}

function md5Of(part: number): string {
  const bytes = Buffer.alloc(PART_BYTES);
  mark(part).copy(bytes);
  return createHash('md5').update(bytes).digest('hex');
}

test('2 GB are uploaded in parts, each in its place, with less than 200 MB of memory', async () => {
  const path = join(folder, 'large.bin');
  await makeFile(path);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, '../doubles/upload-once.ts'), path],
    {
      env: {
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_ENDPOINT_URL_S3: sink.endpoint,
      },
    },
  );
  const { bytes, maxRssBytes } = JSON.parse(stdout) as { bytes: number; maxRssBytes: number };
  expect(bytes).toBe(BYTES);
  expect(sink.completed).toHaveLength(BYTES / PART_BYTES);
  for (const [index, part] of sink.completed.entries()) {
    expect(part).toEqual({ number: index + 1, bytes: PART_BYTES, md5: md5Of(index) });
  }
  expect(maxRssBytes).toBeLessThan(MAX_RSS_BYTES);
}, 300_000);
