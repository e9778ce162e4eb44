/**
 * An object store that is a folder: keys are paths below it.
 *
 * Every write makes a hidden file beside its target and then gives it its name, so that readers see whole objects only
 * and a killed process leaves nothing but a hidden file (removed a day later by `list`, which passes it anyway).
 *
 * Hard link or copy: a link costs nothing, but both names then share one content. Longshore never writes into a file
 * that has its name, so its own files may be linked: staged outputs to published or quarantined ones. Files of somebody
 * else may be rewritten in place at any time (`cp new old` does that), so what is kept of them must be a copy (a
 * copy-on-write clone where the file system has it: btrfs, xfs): a user's file on its way into uploads, an upload on its
 * way into quarantine. The one exception is `download`, the input of a running job: linked, and looked at again when the
 * job has ended (lib/stage), because copying every input would double the disk use of 10,000 files.
 */
import { constants, type BigIntStats } from 'node:fs';
import { copyFile, link, open, readdir, realpath, rename, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import {
  ObjectExistsError,
  ObjectMissingError,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
} from '../ports.ts';
import { pruneFolders, removeFile, syncFile, tempBeside, withFolder } from './durable.ts';
import { DiskFullError, FolderConflictError, hasCode, isDiskFull } from './errors.ts';
import {
  checkKey,
  compareKeys,
  folderMatters,
  keyMatters,
  keyPath,
  prefixFolder,
  TEMP_PREFIX,
} from './keys.ts';

export interface FolderStoreOptions {
  /** The folder; made when something is put into it. */
  root: string;
  /** Files here belong to others, who may rewrite them in place: copies out of this store never share their content. */
  foreign?: boolean;
  /** Files below this folder are longshore's own, so `upload` may link them; all others are copied. */
  own?: string;
  /** Removes folders that a delete leaves empty. Not where people keep folders to drop files in. */
  prune?: boolean;
}

export interface StoredFile {
  key: string;
  stats: BigIntStats;
}

/** Something in the folder that cannot be looked at, or is no object, and why. */
export type Trouble = (key: string, error: unknown) => void;

const rethrow: Trouble = (_, error) => {
  throw error;
};

interface Wish {
  prefix: string;
  after: string | undefined;
  trouble: Trouble;
  strange: Trouble | undefined;
}

/** A temporary file this old belongs to no living process: a day, in milliseconds. */
const STALE_MS = 86_400_000;
/** How many files are looked at together in a list. */
const STAT_BATCH = 64;

export class FolderStore implements ObjectStore {
  readonly root: string;
  readonly #foreign: boolean;
  readonly #own: string | undefined;
  readonly #prune: boolean;

  constructor(options: FolderStoreOptions) {
    this.root = resolve(options.root);
    this.#foreign = options.foreign ?? false;
    this.#own = options.own === undefined ? undefined : resolve(options.own);
    this.#prune = options.prune ?? false;
  }

  /** Where an object's file is. Throws `InvalidKeyError`. */
  path(key: string): string {
    return keyPath(this.root, key);
  }

  uri(key: string): string {
    return pathToFileURL(join(this.root, key)).href;
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const stats = await statFile(this.path(key));
    return stats && infoOf(key, stats);
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const path = this.path(key);
    const handle = await this.#missing(key, () => open(path, 'r'));
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new ObjectMissingError(this.uri(key));
      if (range && range.start >= stats.size) {
        await handle.close();
        return Readable.from([]);
      }
      return handle.createReadStream({ highWaterMark: 256 * 1024, ...range });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  put(key: string, body: string | Uint8Array | Readable, options: PutOptions = {}): Promise<ObjectInfo> {
    return this.#install(key, options, async (temp) => {
      // With a file in it nobody prunes the folder any more.
      const handle = await withFolder(dirname(temp), async () => await open(temp, 'wx'));
      try {
        if (body instanceof Readable) {
          await pipeline(body, handle.createWriteStream({ flush: true }));
        } else {
          await handle.writeFile(body);
          await handle.sync();
        }
      } finally {
        await handle.close();
      }
    });
  }

  async download(key: string, path: string): Promise<void> {
    const source = this.path(key);
    const temp = tempBeside(path);
    try {
      await withFolder(dirname(path), async () => {
        await this.#missing(key, () => linkOrCopy(source, temp));
      });
      await rename(temp, path);
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(path, { cause: error }) : error;
    } finally {
      // rename(2) does nothing when both names are the same file already, and says so by success.
      await removeFile(temp);
    }
  }

  async upload(path: string, key: string, options: PutOptions = {}): Promise<ObjectInfo> {
    const target = this.path(key);
    const source = await realpath(path);
    if (!options.ifNoneMatch && source === (await realpath(target).catch(() => undefined))) {
      // The output folder of a job is its place in the staging store: only the bytes have to reach the disk.
      await syncFile(source);
      const info = await this.head(key);
      if (!info) throw new ObjectMissingError(this.uri(key));
      return info;
    }
    const own = this.#own !== undefined && source.startsWith((await realpath(this.#own)) + sep);
    return this.#install(key, options, (temp) => bring(source, temp, own));
  }

  async copyFrom(source: ObjectStore, sourceKey: string, key: string): Promise<ObjectInfo> {
    if (!(source instanceof FolderStore)) return this.put(key, await source.get(sourceKey));
    const path = source.path(sourceKey);
    return this.#install(key, {}, (temp) =>
      source.#missing(sourceKey, () => bring(path, temp, !source.#foreign)),
    );
  }

  async delete(key: string): Promise<void> {
    const path = this.path(key);
    await removeFile(path);
    if (this.#prune) await pruneFolders(dirname(path), this.root);
  }

  async *list(prefix: string, options: { after?: string } = {}): AsyncGenerator<ObjectInfo> {
    for await (const { key, stats } of this.files(prefix, options)) yield infoOf(key, stats);
  }

  /** What `list` is made of. With `trouble`, what cannot be looked at is told there and passed over. */
  async *files(
    prefix: string,
    { after, trouble }: { after?: string; trouble?: Trouble } = {},
  ): AsyncGenerator<StoredFile> {
    yield* this.#walk(prefixFolder(prefix), { prefix, after, trouble: trouble ?? rethrow, strange: trouble });
  }

  /** Folder names count with their `/`, so that depth first is key order: `a-b` < `a/b` < `a0`. */
  async *#walk(folder: string, wish: Wish): AsyncGenerator<StoredFile> {
    const { prefix, after } = wish;
    const entries: { key: string; folder: boolean }[] = [];
    for (const entry of await readFolder(this.root, folder, wish.trouble)) {
      const key = folder + entry.name;
      if (entry.name.startsWith(TEMP_PREFIX)) {
        await removeStale(join(this.root, key));
      } else if (entry.isDirectory()) {
        if (folderMatters(`${key}/`, prefix, after)) entries.push({ key: `${key}/`, folder: true });
      } else if (keyMatters(key, prefix, after)) {
        if (entry.isFile() || entry.isSymbolicLink()) entries.push({ key, folder: false });
        else wish.strange?.(key, new Error('it is not a file (a pipe, a socket or a device)'));
      }
    }
    entries.sort((a, b) => compareKeys(a.key, b.key));
    let batch: string[] = [];
    for (const entry of entries) {
      if (!entry.folder) batch.push(entry.key);
      if (entry.folder || batch.length === STAT_BATCH) {
        yield* await this.#stats(batch, wish);
        batch = [];
      }
      if (entry.folder) yield* this.#walk(entry.key, wish);
    }
    yield* await this.#stats(batch, wish);
  }

  async #stats(keys: string[], { trouble, strange }: Wish): Promise<StoredFile[]> {
    const found = await Promise.all(
      keys.map(async (key) => {
        try {
          const stats = await statFile(join(this.root, key));
          if (stats) return { key, stats };
          // Gone since, or a link to no file. A name that is not UTF-8 cannot even be asked for.
          strange?.(
            key,
            new Error(key.includes('\u{fffd}') ? 'its name is not UTF-8' : 'it leads to no file'),
          );
        } catch (error) {
          trouble(key, error);
        }
        return undefined;
      }),
    );
    return found.filter((file) => file !== undefined);
  }

  /** Makes the new file with `write`, then gives it its name. */
  async #install(
    key: string,
    options: PutOptions,
    write: (temp: string) => Promise<void>,
  ): Promise<ObjectInfo> {
    checkKey(key);
    const target = this.path(key);
    const temp = tempBeside(target);
    try {
      await write(temp);
      const stats = await distinctStats(temp, target);
      await this.#name(key, temp, target, options);
      return infoOf(key, stats);
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(target, { cause: error }) : error;
    } finally {
      await removeFile(temp);
    }
  }

  async #name(key: string, temp: string, target: string, options: PutOptions): Promise<void> {
    try {
      // link(2) fails when the name is taken, whoever took it: exactly one of many creators wins.
      await (options.ifNoneMatch ? link(temp, target) : rename(temp, target));
    } catch (error) {
      if (hasCode(error, 'EEXIST') && options.ifNoneMatch) {
        throw new ObjectExistsError(this.uri(key), { cause: error });
      }
      throw hasCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST')
        ? new FolderConflictError(target, { cause: error })
        : error;
    }
  }

  async #missing<T>(key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR') && !(await statFile(this.path(key)))) {
        throw new ObjectMissingError(this.uri(key), { cause: error });
      }
      throw error;
    }
  }
}

/**
 * Size and time of change in nanoseconds, in hex. The inode is left out: copying a home folder elsewhere with its times
 * (`cp -a`, `rsync -a`) must not make its uploads look changed.
 */
export const etagOf = (stats: { size: bigint; mtimeNs: bigint }): string =>
  `${stats.size.toString(16)}-${stats.mtimeNs.toString(16)}`;

const infoOf = (key: string, stats: BigIntStats): ObjectInfo => ({
  key,
  bytes: Number(stats.size),
  etag: etagOf(stats),
  modifiedAt: Number(stats.mtimeNs / 1_000_000n),
});

/** Links are followed: a link to a file elsewhere is a fair way to drop it. */
async function statFile(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

async function readFolder(root: string, folder: string, trouble: Trouble) {
  try {
    return await readdir(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) trouble(folder, error);
    return [];
  }
}

async function removeStale(path: string): Promise<void> {
  const stats = await statFile(path);
  if (stats && Date.now() - Number(stats.ctimeMs) > STALE_MS) await removeFile(path);
}

/**
 * The kernel's file times move in ticks of up to 4 ms, so two versions of one size could get one ETag. The later one is
 * pushed ahead of the earlier by a millisecond.
 */
async function distinctStats(temp: string, target: string): Promise<BigIntStats> {
  const stats = await stat(temp, { bigint: true });
  const old = await statFile(target);
  if (!old || old.ino === stats.ino || old.size !== stats.size || old.mtimeNs < stats.mtimeNs) return stats;
  const next = new Date(Number(old.mtimeNs / 1_000_000n) + 1);
  await utimes(temp, next, next);
  return stat(temp, { bigint: true });
}

async function bring(source: string, temp: string, mayLink: boolean): Promise<void> {
  await withFolder(dirname(temp), async () => {
    await (mayLink ? linkOrCopy(source, temp) : copyFile(source, temp, COPY));
  });
  await syncFile(temp);
}

/** A clone where the file system can, else the kernel copies; never through this process's memory. */
const COPY = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    // link(2) would link a symbolic link itself.
    await link(await realpath(source), target);
  } catch (error) {
    // Another device; a file of another user (fs.protected_hardlinks); 65,000 links (ext4); a file system without links.
    if (!hasCode(error, 'EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
    await copyFile(source, target, COPY);
  }
}
