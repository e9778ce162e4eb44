/** Runs are named by their manifest and their time, so that whoever starts a run twice continues it. */

/** It stands in keys and in ECS `startedBy`. */
const MOST_LETTERS = 40;

export const slugOf = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MOST_LETTERS) || 'manifest';

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
