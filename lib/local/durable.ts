/** Writing files so that they survive what may happen to this process and this machine. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiskFullError, FolderConflictError, hasCode, isDiskFull } from './errors.ts';
import { TEMP_PREFIX } from './keys.ts';

/** A name beside `path`, hence on its file system even where a folder is a mount or a link. */
export const tempBeside = (path: string): string => join(dirname(path), `${TEMP_PREFIX}${randomUUID()}`);

/** `write` makes a file that then takes the place of `path` by rename: who has the old one open keeps it, nobody sees half of it. */
export async function replaceFile(path: string, write: (temp: string) => Promise<void>): Promise<void> {
  const temp = tempBeside(path);
  await write(temp);
  await rename(temp, path);
}

/**
 * Waits until a file's bytes are on the disk. Without it a power cut can leave a name whose file is empty: the rename is
 * in the journal before the data is. The folder is not synced: losing the newest name is as if the step had not been
 * taken yet, and every step is taken again; journals keep the order of names, so a later synced step keeps earlier ones.
 */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}

/** Removes a folder with all that is in it, or a file; also folders that their maker took the right to write from itself. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY')) throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await openFolders(join(folder, entry.name));
}

/** Removes a folder that is empty, and then those above it that are, but never `root`. */
export async function pruneFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at.startsWith(root + sep); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue;
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOTDIR')) return;
      throw error;
    }
  }
}

/** A folder is taken away and made again by others at most this often while we make it and put something in. */
const MAX_ATTEMPTS = 50;

/**
 * Makes a folder, then does what needs it; both again when {@link pruneFolders}, here or in another process, took it away in
 * between. (Node's recursive mkdir itself fails with ENOENT or ENOTDIR when that happens in its middle.)
 */
export async function withFolder<T>(folder: string, action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(folder, { recursive: true });
      return await action();
    } catch (error) {
      if (hasCode(error, 'ENOTDIR', 'EEXIST') && (await fileOnTheWay(folder))) {
        throw new FolderConflictError(folder, { cause: error });
      }
      if (!hasCode(error, 'ENOENT', 'ENOTDIR') || attempt === MAX_ATTEMPTS) throw error;
      await sleep(Math.random() * Math.min(attempt, 20));
    }
  }
}

/** Whether a file stands where a folder should be. */
async function fileOnTheWay(folder: string): Promise<boolean> {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    try {
      return !(await stat(at)).isDirectory();
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
  }
  return false;
}

/** Replaces a small file in one step: readers see the old or the new one, whole. Its folder is made. */
export async function writeFileDurably(path: string, body: string, mode = 0o666): Promise<void> {
  const temp = tempBeside(path);
  try {
    await withFolder(
      dirname(path),
      async () => await writeFile(temp, body, { flag: 'wx', mode, flush: true }),
    );
    await rename(temp, path);
  } catch (error) {
    await removeFile(temp);
    throw isDiskFull(error) ? new DiskFullError(path, { cause: error }) : error;
  }
}
