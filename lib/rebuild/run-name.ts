/** Runs are named by their manifest and their time, so that whoever starts a run twice continues it. */
import { digest } from '../pipeline/names.ts';

/** It stands in keys and in ECS `startedBy`. */
const MOST_LETTERS = 40;
const MARK_LETTERS = 6;

/** `My areas` → `My-areas`. Names of which letters are lost (日本, very long ones) stay told apart by a hash: theirs are two runs. */
export function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '');
  const slug = dashed(plain);
  if (/^\p{ASCII}*$/u.test(plain) && slug !== '' && slug.length <= MOST_LETTERS) return slug;
  const start = dashed(slug.slice(0, MOST_LETTERS - MARK_LETTERS - 1)) || 'manifest';
  return `${start}-${digest(name).slice(0, MARK_LETTERS)}`;
}

const dashed = (text: string): string => text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');

/** What a person may name a run, and how that is said. */
export const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
export const RUN_NAME_RULE = 'letters, digits, - and _, at most 64';

/** `2026-11`, as a calendar on the wall of that time zone shows it; without one, of this machine's. */
export function monthOf(at: Date, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en', { year: 'numeric', month: '2-digit', timeZone }).formatToParts(
    at,
  );
  const of = (type: 'year' | 'month'): string => parts.find((part) => part.type === type)!.value;
  return `${of('year')}-${of('month')}`;
}

/** `world-2026-11`: a rebuild a month, whoever starts it. */
export const monthlyRun = (manifest: string, at: Date, timeZone?: string): string =>
  `${slugOf(manifest)}-${monthOf(at, timeZone)}`;

/** `world-20261101T030000`, by UTC: of a schedule that fires more often. */
export const timedRun = (manifest: string, at: Date): string =>
  `${slugOf(manifest)}-${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}`;
