/**
 * Finds files that were dropped into the uploads folder: by looking again and again, and at once when the kernel tells of a
 * change (inotify, on the folder itself and those of the tasks; it tells nothing of network mounts, and loses events).
 *
 * A file is taken when it has stood still: size, time and inode were the same at two looks a second apart, or its last
 * change of any kind is older than that. So a copy in progress is left alone, unless it stalls for longer; then what is
 * there is taken, and what it grows to is a changed file, with a job of its own.
 */
import { watch as watchFolder, type BigIntStats, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { UploadMessage } from '../pipeline/messages.ts';
import type { Log } from '../ports.ts';
import { sha256File } from '../stage/sha256.ts';
import { Bell } from './bell.ts';
import { messageOf } from './errors.ts';
import { etagOf, type FolderStore, type StoredFile } from './folder-store.ts';
import { checkKey } from './keys.ts';
import type { UploadMemory } from './upload-memory.ts';

export interface WatchOptions {
  uploads: FolderStore;
  memory: UploadMemory;
  /** Takes in a file. It is remembered when this resolves; when it rejects, it is tried again. */
  announce: (message: UploadMessage) => Promise<void>;
  log: Log;
  signal: AbortSignal;
  /** How long a file must have stood still, in milliseconds. */
  quietMs?: number;
}

/** Hidden, or half-way there by the customs of browsers, FTP clients and download tools. */
const UNFINISHED = /(^|\/)\.|(\.part|\.tmp|\.crdownload|\.filepart)$/i;

/** Files hashed and announced at once: two keep a disk and a core busy. */
const HANDS = 2;
/** Between two looks when nothing happens; a look at many files takes its time, and then comes less often. */
const LEAST_PAUSE_MS = 2000;
const MOST_PAUSE_MS = 60_000;
const PAUSE_PER_LOOK = 20;
/** A file that could not be taken is tried again after this, in milliseconds. */
const RETRY_MS = 15_000;

export const isUnfinished = (key: string): boolean => UNFINISHED.test(key);

export async function watchUploads(options: WatchOptions): Promise<void> {
  const watcher = new UploadWatcher(options);
  try {
    await watcher.run();
  } finally {
    watcher.close();
  }
}

interface Look {
  id: string;
  at: number;
}

class UploadWatcher {
  readonly #options: WatchOptions;
  readonly #quietMs: number;
  readonly #bell = new Bell();
  readonly #folders = new Map<string, FSWatcher>();
  /** Files that were seen and are not taken yet. */
  readonly #looks = new Map<string, Look>();
  /** Waiting for a hand, in order of arrival. */
  readonly #queue = new Map<string, StoredFile>();
  readonly #inHand = new Map<string, Promise<void>>();
  readonly #retryAt = new Map<string, number>();
  /** What is wrong with which file: told once. */
  readonly #told = new Map<string, string>();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#quietMs = options.quietMs ?? 1000;
  }

  async run(): Promise<void> {
    const { signal, log } = this.#options;
    while (!signal.aborted) {
      const begin = performance.now();
      let moving = true;
      try {
        await this.#listen();
        moving = await this.#look();
      } catch (error) {
        log.error('Uploads:Look:Failed', { reason: messageOf(error) });
      }
      const took = performance.now() - begin;
      const pause = Math.min(Math.max(LEAST_PAUSE_MS, took * PAUSE_PER_LOOK), MOST_PAUSE_MS);
      // A burst of events is one look, and looking never takes more than half the time.
      await this.#bell.wait(moving ? Math.min(pause, this.#quietMs) : pause, signal);
      await new Bell().wait(Math.max(100, took), signal);
    }
    await Promise.allSettled(this.#inHand.values());
  }

  close(): void {
    for (const folder of this.#folders.values()) folder.close();
  }

  /** True when a file is still to be looked at a second time. */
  async #look(): Promise<boolean> {
    const { uploads, memory } = this.#options;
    const present = new Set<string>();
    let moving = false;
    const trouble = (key: string, error: unknown): void => {
      present.add(key);
      if (!isUnfinished(key)) this.#tell(key, messageOf(error));
    };
    for await (const file of uploads.files('', { trouble })) {
      const { key, stats } = file;
      if (isUnfinished(key)) continue;
      present.add(key);
      const id = idOf(stats);
      if (memory.has(key, id) || this.#inHand.has(key)) continue;
      if (this.#isStill(key, id, stats)) this.#take(file);
      else moving = true;
    }
    for (const map of [this.#looks, this.#retryAt, this.#told]) {
      for (const key of map.keys()) if (!present.has(key)) map.delete(key);
    }
    return moving;
  }

  #isStill(key: string, id: string, stats: BigIntStats): boolean {
    // Looks are counted by a clock that nobody sets; only what the file says of itself is compared with the machine's.
    const at = performance.now();
    const last = this.#looks.get(key);
    if (last?.id === id) return at - last.at >= this.#quietMs;
    this.#looks.set(key, { id, at });
    this.#retryAt.delete(key);
    const now = Date.now();
    // ctime too: a copy may set the time of its original, but the kernel alone sets this one.
    return now - Number(stats.mtimeMs) >= this.#quietMs && now - Number(stats.ctimeMs) >= this.#quietMs;
  }

  #take(file: StoredFile): void {
    if ((this.#retryAt.get(file.key) ?? 0) > performance.now()) return;
    this.#queue.set(file.key, file);
    while (this.#inHand.size < HANDS && this.#queue.size > 0) this.#next();
  }

  #next(): void {
    const [entry] = this.#queue;
    if (!entry || this.#options.signal.aborted) return;
    const [key, file] = entry;
    this.#queue.delete(key);
    const work = this.#announce(file)
      .catch((error: unknown) => {
        if (this.#options.signal.aborted) return;
        this.#retryAt.set(key, performance.now() + RETRY_MS);
        this.#tell(key, messageOf(error));
      })
      .finally(() => {
        this.#inHand.delete(key);
        this.#next();
      });
    this.#inHand.set(key, work);
  }

  async #announce({ key, stats }: StoredFile): Promise<void> {
    const { uploads, memory, announce, signal } = this.#options;
    checkKey(key);
    const path = uploads.path(key);
    const sha256 = await sha256File(path, signal);
    const id = idOf(stats);
    // Written to while it was read: it is looked at anew.
    if (idOf(await stat(path, { bigint: true })) !== id) return;
    await announce({
      kind: 'upload',
      key,
      bytes: Number(stats.size),
      etag: etagOf(stats),
      sha256,
      sequence: sequenceOf(stats),
    });
    await memory.add(key, id);
    this.#looks.delete(key);
    this.#told.delete(key);
  }

  #tell(key: string, reason: string): void {
    if (this.#told.get(key) === reason) return;
    this.#told.set(key, reason);
    const { log, uploads } = this.#options;
    log.error('Upload:Read:Failed', { key, uri: uploads.uri(key), reason: `${reason}; it is tried again` });
  }

  /** Listens to the uploads folder and those of the tasks; deeper ones are found by looking. */
  async #listen(): Promise<void> {
    const { root } = this.#options.uploads;
    const found = await readdir(root, { withFileTypes: true });
    const names = found
      .filter((entry) => entry.isDirectory() && !isUnfinished(entry.name))
      .map(({ name }) => name);
    const wanted = new Set([root, ...names.map((name) => join(root, name))]);
    for (const [path, folder] of this.#folders) {
      if (wanted.has(path)) continue;
      folder.close();
      this.#folders.delete(path);
    }
    for (const path of wanted) if (!this.#folders.has(path)) this.#listenTo(path);
  }

  #listenTo(path: string): void {
    const { log } = this.#options;
    const without = (error: unknown): void => {
      // E.g. inotify's limit of instances: files are found all the same, some seconds later.
      if (!this.#told.has(path)) log.warn('Uploads:Listen:Failed', { path, reason: messageOf(error) });
      this.#told.set(path, 'cannot be listened to');
      this.#folders.delete(path);
    };
    try {
      const folder = watchFolder(path, () => this.#bell.ring());
      folder.on('error', without);
      this.#folders.set(path, folder);
    } catch (error) {
      without(error);
    }
  }
}

/** Tells one version of a file from another, as the upload memory knows it. */
export const idOf = (stats: BigIntStats): string => `${stats.ino.toString(16)}-${etagOf(stats)}`;

/**
 * Orders the versions of one file: the time at which it became what it is, as the kernel saw it. Not its own time of change:
 * a file that is moved or copied here with an older time is nevertheless the newer version.
 */
const sequenceOf = (stats: BigIntStats): string => stats.ctimeNs.toString(16).padStart(16, '0');
