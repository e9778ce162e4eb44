/**
 * A record store that is a folder, with compare-and-swap by rename(2) alone: no lock, nothing to clean up after
 * `kill -9`, any number of processes.
 *
 * A record `jobs/x` is the folder `jobs/x.json/`. What can be in it:
 *
 *     <v>.json        the record at version v = <generation>-<random>; no two versions ever have one name
 *     <v>+<w>.next    a successor w of version v that someone wishes to store
 *     <v>+<w>.done    version v, renamed: the very act that made w the current version
 *
 * - replace(v → w): write `v+w.next`; rename `v.json` to `v+w.done`. A file can be renamed away once, so exactly one of
 *   many wins, and the others find that `v.json` is gone. From here on w is current, whatever happens to this process:
 *   its text is in `v+w.next`. The rest is tidying that anyone may do, at any later time: rename `v+w.next` to `w.json`,
 *   remove `v+w.done`.
 * - create: write `w.json` in a folder of its own, rename that folder to `x.json`, which fails when there is one.
 * - delete: rename `x.json` out of the way, then remove it. A writer that comes too late finds nothing to rename.
 * - A stale writer after delete and create: its version's name does not exist in the new folder. Lost, as it should be.
 * - read: list the folder, take the highest generation (of `.json`, or the successor in a `.done`) and read that file. A
 *   version's text stands under one name at a time; when the name is gone by then, it has moved on, and so: again.
 *
 * (Generations linked as 1, 2, 3 would be simpler, but then a writer that sleeps through two changes finds the number free
 * again once the old files are tidied away, and can't tell whether it won.)
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RecordStore, Versioned } from '../ports.ts';
import { pruneFolders, removeFile, withFolder } from './durable.ts';
import { DiskFullError, hasCode, InvalidKeyError, isDiskFull } from './errors.ts';
import { checkKey, compareKeys, folderMatters, keyMatters, prefixFolder } from './keys.ts';

const SUFFIX = '.json';
const TEMP = '.longshore-tmp.records';
const STALE_MS = 3_600_000;
/** Each turn means that the record changed between two system calls of ours; this many in a row do not happen. */
const MAX_TURNS = 1000;

export class FolderRecords implements RecordStore {
  readonly root: string;
  #swept: Promise<void> | undefined;

  constructor(root: string) {
    this.root = resolve(root);
  }

  uri(key: string): string {
    return pathToFileURL(this.#folder(key)).href;
  }

  async read<T>(key: string): Promise<Versioned<T> | undefined> {
    const folder = this.#folder(key);
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const names = await readNames(folder);
      if (!names) return undefined;
      const current = currentOf(names);
      // `.next` counts only when its `.done` was seen: without it, it is but a wish.
      const candidates = current
        ? [`${current.version}${SUFFIX}`, ...(current.pending ? [`${current.pending}.next`] : [])]
        : [];
      for (const name of candidates) {
        const text = await readText(join(folder, name));
        if (text !== undefined && current)
          return { value: parse(text, join(folder, name)) as T, version: current.version };
      }
    }
    throw new Error(
      `The record ${folder} could not be read: it changed ${MAX_TURNS} times while we looked, or holds foreign files`,
    );
  }

  async create(key: string, value: unknown): Promise<string | undefined> {
    const folder = this.#folder(key);
    await (this.#swept ??= sweepTemp(join(this.root, TEMP)));
    // Somebody else's record is the usual case for a claim: a look is cheaper than the attempt.
    if (await exists(folder)) return undefined;
    const version = newVersion(0);
    const temp = join(this.root, TEMP, randomUUID());
    try {
      await mkdir(temp, { recursive: true });
      await writeText(join(temp, `${version}${SUFFIX}`), value);
      await withFolder(dirname(folder), async () => await rename(temp, folder));
      return version;
    } catch (error) {
      await rm(temp, { recursive: true, force: true });
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return undefined;
      throw isDiskFull(error) ? new DiskFullError(folder, { cause: error }) : error;
    }
  }

  async replace(key: string, value: unknown, version: string): Promise<string | undefined> {
    const folder = this.#folder(key);
    const generation = generationOf(version);
    if (generation === undefined) throw new Error(`${JSON.stringify(version)} is not a version of ${folder}`);
    const next = newVersion(generation + 1);
    const wish = join(folder, `${version}+${next}`);
    const current = join(folder, `${version}${SUFFIX}`);
    // The version may be current and not tidied yet: its maker died, or is slow. A loser that finds out here has not waited
    // for the disk in vain.
    if (!(await exists(current)) && !((await tidy(folder)) && (await exists(current)))) return undefined;
    try {
      await writeText(`${wish}.next`, value);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined; // deleted
      await removeFile(`${wish}.next`);
      throw isDiskFull(error) ? new DiskFullError(folder, { cause: error }) : error;
    }
    const won = await renamed(current, `${wish}.done`);
    if (!won) {
      await removeFile(`${wish}.next`);
      return undefined;
    }
    await tidy(folder);
    return next;
  }

  async delete(key: string): Promise<void> {
    const folder = this.#folder(key);
    const trash = join(this.root, TEMP, randomUUID());
    await mkdir(dirname(trash), { recursive: true });
    if (!(await renamed(folder, trash))) return;
    await rm(trash, { recursive: true, force: true });
    // Keys carry sizes and times, so a folder of its own per record is usual: left empty, they would slow every list.
    await pruneFolders(dirname(folder), this.root);
  }

  list(prefix: string, options: { after?: string } = {}): AsyncGenerator<string> {
    return this.#walk(prefixFolder(prefix), prefix, options.after);
  }

  /** A record is there when its folder is: one readdir answers for all the records of a folder. */
  async *#walk(folder: string, prefix: string, after: string | undefined): AsyncGenerator<string> {
    const entries: { key: string; folder: boolean }[] = [];
    for (const name of (await readNames(join(this.root, folder))) ?? []) {
      if (name === TEMP) continue;
      if (name.endsWith(SUFFIX)) {
        const key = folder + name.slice(0, -SUFFIX.length);
        if (keyMatters(key, prefix, after)) entries.push({ key, folder: false });
      } else {
        const key = `${folder}${name}/`;
        if (folderMatters(key, prefix, after)) entries.push({ key, folder: true });
      }
    }
    entries.sort((a, b) => compareKeys(a.key, b.key));
    for (const entry of entries) {
      if (entry.folder) yield* this.#walk(entry.key, prefix, after);
      else yield entry.key;
    }
  }

  #folder(key: string): string {
    checkKey(key, SUFFIX.length);
    if (
      key
        .split('/')
        .slice(0, -1)
        .some((name) => name.endsWith(SUFFIX))
    ) {
      throw new InvalidKeyError(key, `a folder of records cannot end in ${SUFFIX}`);
    }
    return join(this.root, `${key}${SUFFIX}`);
  }
}

const newVersion = (generation: number): string =>
  `${String(generation).padStart(10, '0')}-${randomBytes(6).toString('hex')}`;

const VERSION = /^(\d{10})-[0-9a-f]{12}$/;
const NAME = /^(?<from>\d{10}-[0-9a-f]{12})(?:\+(?<to>\d{10}-[0-9a-f]{12}))?\.(?<kind>json|next|done)$/;

const generationOf = (version: string): number | undefined => {
  const match = VERSION.exec(version);
  return match ? Number(match[1]) : undefined;
};

/** The current version by these names; `pending` (`v+w`) while its text may still be in `v+w.next`. */
function currentOf(names: string[]): { version: string; pending?: string } | undefined {
  let current: { version: string; pending?: string } | undefined;
  for (const name of names) {
    const { from = '', to, kind } = NAME.exec(name)?.groups ?? {};
    const version = kind === 'json' ? from : kind === 'done' ? to : undefined;
    // Equal: `v+w.done` and `w.json` both stand while it is tidied.
    if (version === undefined || (current && current.version > version)) continue;
    if (kind === 'done') current = { version, pending: `${from}+${version}` };
    else if (current?.version !== version) current = { version };
  }
  return current;
}

/** Finishes what writers left unfinished. True when there was something to finish. */
async function tidy(folder: string): Promise<boolean> {
  const names = (await readNames(folder)) ?? [];
  let found = false;
  for (const name of names) {
    const { from, to = '', kind } = NAME.exec(name)?.groups ?? {};
    if (kind !== 'done') continue;
    found = true;
    await renamed(join(folder, `${from}+${to}.next`), join(folder, `${to}${SUFFIX}`));
    await removeFile(join(folder, name));
  }
  // Wishes that lost and whose writers died. Those for the current version, or a later one, may still come true.
  const current = currentOf(names)?.version;
  for (const name of names) {
    const { from = '', kind } = NAME.exec(name)?.groups ?? {};
    if (
      kind === 'next' &&
      current !== undefined &&
      from < current &&
      !names.includes(name.replace(/next$/, 'done'))
    ) {
      await removeFile(join(folder, name));
    }
  }
  return found;
}

/** False when there is nothing by the old name. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

async function readNames(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Synced before it gets the name that counts: after a power cut a record is old or new, never empty. */
async function writeText(path: string, value: unknown): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(`${JSON.stringify(value)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(
      `The record ${path} is not JSON (edited by hand, or a broken disk?): mend it, or restore it from a backup. The folder ` +
        'of a job’s record may be removed instead: the job is forgotten then, and its file is taken when it is dropped again',
      { cause: error },
    );
  }
}

/** What killed processes left half made or half removed. */
async function sweepTemp(folder: string): Promise<void> {
  for (const name of (await readNames(folder)) ?? []) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats && Date.now() - stats.ctimeMs > STALE_MS) await rm(path, { recursive: true, force: true });
  }
}
