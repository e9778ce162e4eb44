/** Files of any kind, byte by byte; never whole in memory. */
import { open } from 'node:fs/promises';
import type { Rule } from '../rules.ts';
import type { Found } from './values.ts';

const CHUNK = 1 << 20;
/** So many bytes from the first one that differs are shown. */
const SHOWN = 16;

export async function compareBytes(expected: string, got: string, rule: Rule): Promise<Found> {
  const files = [await open(expected, 'r'), await open(got, 'r')] as const;
  try {
    const sizes = [(await files[0].stat()).size, (await files[1].stat()).size] as const;
    const found: Found = { differences: [], count: 0 };
    if (sizes[0] !== sizes[1]) {
      found.count += 1;
      found.differences.push({
        where: 'size',
        expected: `${sizes[0]} bytes`,
        got: `${sizes[1]} bytes`,
        detail: `${Math.abs(sizes[1] - sizes[0])} ${sizes[1] > sizes[0] ? 'more' : 'less'}`,
      });
    }
    const [first, count] = await differing(files, Math.min(...sizes), rule.ignoreBytes ?? []);
    if (first !== undefined) {
      found.count += 1;
      found.differences.push({
        where: `byte ${first}`,
        expected: await hexAt(files[0], first),
        got: await hexAt(files[1], first),
        detail: `${count} bytes differ`,
      });
    }
    return found;
  } finally {
    for (const file of files) await file.close();
  }
}

type File = Awaited<ReturnType<typeof open>>;

/** Offset of the first byte that differs, and how many do. */
async function differing(
  [a, b]: readonly [File, File],
  size: number,
  ignored: readonly (readonly [number, number])[],
): Promise<[number | undefined, number]> {
  const buffers = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)] as const;
  let first: number | undefined;
  let count = 0;
  for (let start = 0; start < size; start += CHUNK) {
    const length = Math.min(CHUNK, size - start);
    await a.read(buffers[0], 0, length, start);
    await b.read(buffers[1], 0, length, start);
    if (buffers[0].compare(buffers[1], 0, length, 0, length) === 0) continue;
    for (let at = 0; at < length; at += 1) {
      if (buffers[0][at] === buffers[1][at]) continue;
      const offset = start + at;
      if (ignored.some(([from, to]) => offset >= from && offset <= to)) continue;
      first ??= offset;
      count += 1;
    }
  }
  return [first, count];
}

async function hexAt(file: File, offset: number): Promise<string> {
  const buffer = Buffer.alloc(SHOWN);
  const { bytesRead } = await file.read(buffer, 0, SHOWN, offset);
  return buffer.subarray(0, bytesRead).toString('hex').replace(/../g, '$& ').trim();
}
