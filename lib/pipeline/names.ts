/** Names made from keys and parameters: stable, safe as object keys, file names, ECS `startedBy` and container names. */
import { createHash } from 'node:crypto';

/** Longest file name that Linux file systems take is 255 bytes; handlers add endings such as `.extents.txt` to it. */
const MAX_NAME_BYTES = 180;
/** The key limit of S3 is 1,024 bytes; task, file name and `receipt.json` need their share of it. */
const MAX_PUBLICATION_BYTES = 400;

export const digest = (...parts: string[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex');
};

/** `osm-mapsforge-europe-monaco-3f9a1c2b7d5e`: readable, unique by the parts that the hash is made of. */
export function jobId(task: string, name: string, identity: string[]): string {
  const slug = `${task}-${name}`
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80)
    .replace(/-+$/, '');
  return `${slug || 'job'}-${digest(task, name, ...identity).slice(0, 12)}`;
}

/** Cuts a text to so many bytes of UTF-8 without splitting a character; what was cut stays told apart by a hash. */
export function shorten(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const mark = `~${digest(text).slice(0, 10)}`;
  let kept = '';
  let bytes = mark.length;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept + mark;
}

/** What a dropped file publishes as: its key below the task, without the accepted ending. */
export function publicationName(path: string): string {
  const segments = path
    .split('/')
    .map((segment) => (/^\.*$/.test(segment) ? '_' : shorten(segment, MAX_NAME_BYTES)));
  const name = segments.join('/');
  if (Buffer.byteLength(name) <= MAX_PUBLICATION_BYTES) return name;
  return `${shorten(segments.slice(0, -1).join('_'), MAX_PUBLICATION_BYTES - MAX_NAME_BYTES - 1)}/${segments.at(-1)}`;
}

/**
 * The file's name in the input folder: its base name with the ending as the task file spells it, shortened before the
 * ending where no file system could hold it.
 */
export function inputName(key: string, ending: string): string {
  const base = key.slice(key.lastIndexOf('/') + 1);
  return shorten(base.slice(0, base.length - ending.length), MAX_NAME_BYTES) + ending;
}

/** A time as text that sorts, in the form of {@link Job.sequence} for jobs that no file's version orders. */
export const timeSequence = (now: number): string => Math.round(now).toString(16).padStart(16, '0');

/** `drop-2026-11-20`: dropped files belong to a run of their day, so that each run's listing stays short. */
export const dropRun = (now: number): string => `drop-${new Date(now).toISOString().slice(0, 10)}`;

/** `run-20261120T231501-3f9a1c`: sorts by time. */
export const newRun = (now: number, salt: string): string =>
  `run-${new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '')}-${digest(salt, String(now)).slice(0, 6)}`;
