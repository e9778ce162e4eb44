/**
 * Which dropped files were accepted already, so that looking at 10,000 of them again costs no hashing, and a restart does
 * not either. It lies in the ledger's folder: whoever removes the ledger to begin anew must not be left with files that
 * nobody takes. Losing it costs time only: accepting a file twice makes one job.
 *
 * One JSON line per accepted file is appended (O_APPEND: two processes may do so), a later line of one key counts.
 */
import { appendFile, readFile } from 'node:fs/promises';
import * as z from 'zod';
import { writeFileDurably } from './durable.ts';
import { hasCode } from './errors.ts';

const Line = z.object({ key: z.string(), id: z.string() });

/** Lines that no longer count, before the file is written anew. */
const SLACK = 1000;

export class UploadMemory {
  readonly #path: string;
  readonly #ids: Map<string, string>;

  private constructor(path: string, ids: Map<string, string>) {
    this.#path = path;
    this.#ids = ids;
  }

  static async open(path: string): Promise<UploadMemory> {
    const ids = new Map<string, string>();
    const lines = (await read(path)).split('\n').filter((line) => line !== '');
    for (const line of lines) {
      const entry = parse(line);
      if (entry) ids.set(entry.key, entry.id);
    }
    const memory = new UploadMemory(path, ids);
    if (lines.length > 2 * ids.size + SLACK) {
      await writeFileDurably(path, [...ids].map(([key, id]) => lineOf(key, id)).join(''));
    }
    return memory;
  }

  has(key: string, id: string): boolean {
    return this.#ids.get(key) === id;
  }

  async add(key: string, id: string): Promise<void> {
    this.#ids.set(key, id);
    await appendFile(this.#path, lineOf(key, id));
  }
}

const lineOf = (key: string, id: string): string => `${JSON.stringify({ key, id })}\n`;

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}

/** A line that was cut off by a kill is as if it had not been written. */
function parse(line: string): z.infer<typeof Line> | undefined {
  try {
    return Line.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
