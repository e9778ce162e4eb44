/** When a job has several files: which belong together, and when they are all there. Part of a task file. */
import type { ListedFile } from './file-list.ts';

/**
 * Files whose path matches `pattern` are parts of granules; others are jobs by themselves. A granule's job starts when it is
 * complete, with all its parts as inputs, and publishes under the granule's name.
 */
export interface GranuleRule {
  /**
   * Matched with the path below the task's folder. The group `granule` names the granule; the group `part` names the file in
   * it (without one: the base name). `/^(?<granule>HS3_CPL_(ATB|OP)_\w+)\.(?<part>hdf5|xml)$/`
   */
  pattern: RegExp;
  complete: ByParts | ByManifest | ByCount;
  /** How long no part may have come or changed before the job starts. Needed with a count: more than that may come. */
  quietSeconds?: number;
  /** From the first part on. What is not complete by then ends in quarantine, with what is missing as its reason. */
  deadlineSeconds: number;
}

/** Each of these parts, by the pattern's group `part`. */
export interface ByParts {
  parts: string[];
}

/** A file among the parts lists the others, with sizes and checksums where it has them. */
export interface ByManifest {
  /** The part that is the manifest: `/\.(cnm\.json|pdr)$/i`. */
  manifest: RegExp;
  /** What it lists. Throws an Error that says what is wrong. Default: {@link readFileList}. */
  read?(text: string): ListedFile[];
}

/** At least so many parts. */
export interface ByCount {
  count: number;
}

/** The granule and the part that a path (below the task's folder) belongs to; `undefined` when it is no part. */
export function partOf(rule: GranuleRule, path: string): { granule: string; part: string } | undefined {
  // A pattern with /g or /y remembers where it was.
  const { pattern } = rule;
  const groups = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(path)?.groups;
  const granule = groups?.['granule'];
  if (granule === undefined || granule === '') return undefined;
  return { granule, part: groups?.['part'] ?? path.slice(path.lastIndexOf('/') + 1) };
}

/** What the types cannot say of a rule, each a sentence. */
export function granuleFaults(rule: GranuleRule | undefined): string[] {
  if (!rule) return [];
  const { pattern, complete, deadlineSeconds, quietSeconds = 0 } = rule;
  const faults: string[] = [];
  if (!pattern.source.includes('(?<granule>')) {
    faults.push('The granule pattern has no group (?<granule>…): it names the granule.');
  }
  if ('parts' in complete) {
    if (!pattern.source.includes('(?<part>')) {
      faults.push('The granule pattern has no group (?<part>…): it tells the parts from each other.');
    }
    if (complete.parts.length === 0) faults.push('The granule rule names no parts.');
  }
  if ('count' in complete) {
    if (!Number.isInteger(complete.count) || complete.count < 2) {
      faults.push(`The granule rule counts to ${complete.count}, but must to a whole number from 2.`);
    }
    if (quietSeconds <= 0)
      faults.push('A granule rule with a count needs quietSeconds: more parts may come.');
  }
  if (!(deadlineSeconds > 0 && Number.isFinite(deadlineSeconds))) {
    faults.push(`The granule rule has a deadline of ${deadlineSeconds} seconds.`);
  }
  if (quietSeconds < 0 || quietSeconds >= deadlineSeconds) {
    faults.push(
      `The granule rule’s quietSeconds (${quietSeconds}) must be from 0 to less than its deadline.`,
    );
  }
  return faults;
}
