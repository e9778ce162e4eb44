/** Whether a home has nothing left to do. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { Home } from '../lib/local/home.ts';
import { checkKey } from '../lib/local/keys.ts';
import { UploadMemory } from '../lib/local/upload-memory.ts';
import { idOf, isUnfinished } from '../lib/local/watch.ts';
import { heldOf } from '../lib/pipeline/set-budget.ts';
import { status } from '../lib/pipeline/status.ts';

/**
 * Nothing waits (but for a higher budget), nothing runs, and every dropped file that can be taken has been. A granule that
 * lacks files may wait for a day and is not waited for; one that is complete, and only quiet is waited for, is.
 */
export async function isIdle(home: Home): Promise<boolean> {
  if (await hasNewUploads(home)) return false;
  const { jobs, sets, budgets } = await status(home.ctx);
  const isQuiet = jobs.waiting === heldOf(budgets) && jobs.running === 0;
  return isQuiet && sets.every(({ missing }) => missing.length > 0);
}

async function hasNewUploads({ uploads, dir }: Home): Promise<boolean> {
  const memory = await UploadMemory.open(join(dir, 'ledger', '.uploads.jsonl'));
  // What cannot be looked at is told by the watcher, and is not waited for.
  for await (const { key, stats } of uploads.files('', { trouble: () => {} })) {
    if (isUnfinished(key) || memory.has(key, idOf(stats))) continue;
    if (await canBeTaken(key, uploads.path(key))) return true;
  }
  return false;
}

async function canBeTaken(key: string, path: string): Promise<boolean> {
  try {
    checkKey(key);
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
