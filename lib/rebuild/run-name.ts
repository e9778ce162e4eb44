/** Runs are named by their manifest and their time, so that whoever starts a run twice continues it. */

/** It stands in keys and in ECS `startedBy`. */
const MOST_LETTERS = 40;

export const slugOf = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MOST_LETTERS) || 'manifest';

/** `world-2026-11`, by UTC: a rebuild a month. */
export const monthlyRun = (manifest: string, at: Date): string =>
  `${slugOf(manifest)}-${at.toISOString().slice(0, 7)}`;

/** `world-20261101T030000`: of a schedule that fires more often. */
export const timedRun = (manifest: string, at: Date): string =>
  `${slugOf(manifest)}-${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}`;
