/** A text file that need not be there. */
import { readFile } from 'node:fs/promises';
import { hasCode } from './errors.ts';

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
