/** What the S3 adapters do that no other backend has: conflicts, lost answers, parts. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { s3Config } from '../../lib/aws/clients.ts';
import { copyObject } from '../../lib/aws/s3-copy.ts';
import { S3Records } from '../../lib/aws/s3-records.ts';
import { S3Store } from '../../lib/aws/s3-store.ts';
import { partBytes } from '../../lib/aws/s3-upload-file.ts';
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import { ObjectExistsError, ObjectMissingError } from '../../lib/ports.ts';
import { startS3, type S3Double } from '../doubles/s3.ts';

const MIB = 1024 * 1024;
let aws: S3Double;
let folder: string;
let store: S3Store;
let records: S3Records;

beforeAll(async () => {
  aws = await startS3();
  folder = await mkdtemp(join(tmpdir(), 'longshore-s3-'));
  aws.createBucket('one');
  aws.createBucket('two');
  store = new S3Store({ client: aws.s3, bucket: 'one', prefix: 'a/b/' });
  records = new S3Records({ client: aws.s3, bucket: 'two', prefix: 'ledger/' });
});
afterAll(async () => {
  await aws.stop();
  await rm(folder, { recursive: true });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
const typeOf = async (key: string): Promise<string | undefined> =>
  (await aws.s3.send(new HeadObjectCommand(store.place(key)))).ContentType;
const keysOf = async (items: AsyncIterable<{ key: string }>): Promise<string[]> =>
  (await all(items)).map(({ key }) => key);

describe('S3Store', () => {
  test('stays below its prefix, and says so in its URIs', async () => {
    await store.put('x y+ü%.txt', 'hello');
    const whole = new S3Store({ client: aws.s3, bucket: 'one' });
    expect(await whole.head('a/b/x y+ü%.txt')).toMatchObject({ bytes: 5 });
    expect(store.uri('x')).toBe('s3://one/a/b/x');
    const keys = await keysOf(store.list(''));
    expect(keys).toEqual(['x y+ü%.txt']);
  });

  test('tells ETags without quotes, the same from every verb', async () => {
    const put = await store.put('etag', 'content');
    const head = await store.head('etag');
    const [listed] = await all(store.list('etag'));
    expect(put.etag).toMatch(/^[0-9a-f]{32}$/);
    expect([head?.etag, listed?.etag]).toEqual([put.etag, put.etag]);
  });

  test('a conflict (409) is tried again, a lost race (412) is an ObjectExistsError', async () => {
    aws.conflict(2);
    await store.put('once', 'first', { ifNoneMatch: '*' });
    await expect(store.put('once', 'second', { ifNoneMatch: '*' })).rejects.toThrow(ObjectExistsError);
    expect((await buffer(await store.get('once'))).toString()).toBe('first');
  });

  test('the condition holds for uploads in parts too, and their conflicts are tried again from the start', async () => {
    const path = join(folder, 'parts.bin');
    const bytes = randomBytes(20 * MIB);
    await writeFile(path, bytes);
    aws.conflict(1);
    await store.upload(path, 'parts', { ifNoneMatch: '*' });
    await expect(store.upload(path, 'parts', { ifNoneMatch: '*' })).rejects.toThrow(ObjectExistsError);
    const downloaded = join(folder, 'deep/parts.bin');
    await store.download('parts', downloaded);
    expect(bytes.equals(await readFile(downloaded))).toBe(true);
  });

  test('an upload in parts whose last answer got lost is known to be there', async () => {
    const path = join(folder, 'lost');
    await writeFile(path, randomBytes(9 * MIB));
    aws.loseAnswer('CompleteMultipartUpload');
    const { etag } = await store.upload(path, 'lost');
    expect(await store.head('lost')).toMatchObject({ bytes: 9 * MIB, etag });
    const completions = aws.requests.filter((request) => /^POST \/one\/a\/b\/lost\?.*uploadId/.test(request));
    expect(completions).toHaveLength(2);
  });

  test('a stream of unknown length arrives whole', async () => {
    const pieces = Array.from({ length: 37 }, () => randomBytes(MIB));
    const put = await store.put('stream', Readable.from(pieces));
    expect(put.bytes).toBe(37 * MIB);
    expect(Buffer.concat(pieces).equals(await buffer(await store.get('stream')))).toBe(true);
  });

  test('ranges are cut at the end, and empty behind it', async () => {
    await store.put('range', '0123456789');
    const read = async (start: number, end: number) =>
      (await buffer(await store.get('range', { start, end }))).toString();
    expect(await read(2, 4)).toBe('234');
    expect(await read(8, 99)).toBe('89');
    expect(await read(10, 12)).toBe('');
  });

  test('what is missing is told by its URI', async () => {
    await expect(store.get('none')).rejects.toThrow('There is no object s3://one/a/b/none');
    await expect(store.download('none', join(folder, 'none'))).rejects.toThrow(ObjectMissingError);
    expect(await store.head('none')).toBeUndefined();
    await store.delete('none');
  });

  test('copies between buckets, in parts where the object is larger than one copy may be', async () => {
    const bytes = randomBytes(12 * MIB);
    const source = new S3Store({ client: aws.s3, bucket: 'two' });
    await source.put('big/ä +.bin', bytes, { contentType: 'text/x-test' });
    await store.copyFrom(source, 'big/ä +.bin', 'copied');
    expect(bytes.equals(await buffer(await store.get('copied')))).toBe(true);
    const before = aws.requests.length;
    const parts = { partBytes: 6 * MIB };
    await copyObject(aws.s3, source.place('big/ä +.bin'), store.place('in parts'), parts);
    const copies = aws.requests.slice(before).filter((request) => /^PUT .*partNumber=/.test(request));
    expect(copies).toHaveLength(2);
    expect(bytes.equals(await buffer(await store.get('in parts')))).toBe(true);
    for (const [name, options] of [
      ['copied', {}],
      ['in parts', parts],
    ] as const) {
      expect(await typeOf(name)).toBe('text/x-test');
      const typed = { contentType: 'image/png', ...options };
      await copyObject(aws.s3, source.place('big/ä +.bin'), store.place(name), typed);
      expect(await typeOf(name)).toBe('image/png');
    }
    await expect(store.copyFrom(source, 'gone', 'x')).rejects.toThrow(ObjectMissingError);
  });

  test('a download goes on, where the connection falls silent in the middle', async () => {
    const head = { 'content-length': '10', etag: '"x"' };
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(200, head).write('01234'),
      (response) => response.writeHead(206, { ...head, 'content-length': '5' }).end('56789'),
    ];
    const ranges: (string | undefined)[] = [];
    const server = createServer(({ headers }, response) => {
      ranges.push(headers.range);
      answers[ranges.length - 1]?.(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new S3Client({
      ...s3Config({ AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_S3: endpoint }),
      endpoint,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    const path = join(folder, 'silent');
    await new S3Store({ client, bucket: 'one' }).download('x', path);
    expect(await readFile(path, 'utf8')).toBe('0123456789');
    expect(ranges).toEqual([undefined, 'bytes=5-']);
    server.closeAllConnections();
    server.close();
    // Silence is told from slowness by waiting for 20 s.
  }, 60_000);

  test('lists more than a page, in the order of bytes', async () => {
    const place = new S3Store({ client: aws.s3, bucket: 'two', prefix: 'many/' });
    const names = Array.from({ length: 1003 }, (_, index) => `k${String(index).padStart(4, '0')}`);
    names.push('a', 'B', 'é', '\u{10000}', '\u{ffee}');
    await mapLimit(names, 20, async (name) => await place.put(name, name));
    const listed = await keysOf(place.list(''));
    expect(listed).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    const rest = await keysOf(place.list('k', { after: 'k1000' }));
    expect(rest).toEqual(['k1001', 'k1002']);
  });

  test('parts grow with the file, so that 5 TiB fit into 10,000 of them', () => {
    expect(partBytes(1)).toBe(8 * MIB);
    const largest = 5 * 1024 ** 4;
    expect(largest / partBytes(largest)).toBeLessThanOrEqual(10_000);
  });
});

describe('S3Records', () => {
  test('a write whose answer got lost is known as our own', async () => {
    aws.loseAnswer();
    const created = await records.create('lost', { by: 'us' });
    const read = await records.read('lost');
    expect(created).toBeDefined();
    expect(read?.version).toBe(created);
    aws.loseAnswer();
    const replaced = await records.replace('lost', { by: 'us', n: 2 }, created ?? '');
    expect((await records.read('lost'))?.version).toBe(replaced);
  });

  test('a write that lost the race is told as lost, also when it was repeated', async () => {
    await records.create('theirs', { by: 'them' });
    expect(await records.create('theirs', { by: 'us' })).toBeUndefined();
    aws.conflict(1);
    expect(await records.create('theirs', { by: 'us' })).toBeUndefined();
  });

  test('a conflict is no loss', async () => {
    aws.conflict(3);
    expect(await records.create('conflict', 1)).toBeDefined();
  });

  test('what was deleted cannot be replaced', async () => {
    const version = (await records.create('deleted', 1)) ?? '';
    await records.delete('deleted');
    expect(await records.replace('deleted', 2, version)).toBeUndefined();
    expect(await records.read('deleted')).toBeUndefined();
  });

  test('a record that is no JSON is named', async () => {
    await new S3Store({ client: aws.s3, bucket: 'two', prefix: 'ledger/' }).put('broken', '{');
    await expect(records.read('broken')).rejects.toThrow('s3://two/ledger/broken is not JSON');
  });
});
