/** The set of files that a granule is made of, as its record at `sets/<hash>` has it. Nothing here touches a port. */
import { digest } from './names.ts';
import type { StagedInput } from '../ports.ts';
import type { ListedFile } from '../tasks/file-list.ts';
import { MOST_FILES } from '../tasks/file-list.ts';
import type { GranuleRule } from '../tasks/granule-rule.ts';

export interface SetPart {
  /** Name in the set: the pattern's group `part`, or the base name. */
  part: string;
  key: string;
  bytes: number;
  etag: string;
  sha256?: string;
  sequence: string;
  /** Milliseconds since the epoch. */
  cameAt: number;
  /** Of a manifest: what it lists, or what is wrong with it. */
  lists?: ListedFile[];
  fault?: string;
}

/** The job that a set became. */
export interface SetJob {
  id: string;
  run: string;
  sequence: string;
  /** What its inputs were made of: the same content again is no new job. */
  signature: string;
  /** Parts that are its inputs, in their order. */
  parts: string[];
}

export interface SetRecord {
  task: string;
  granule: string;
  /** `expired`: the deadline passed, or the set cannot be: its job is in quarantine. A new part opens it again. */
  state: 'collecting' | 'started' | 'expired';
  parts: Record<string, SetPart>;
  /** When it was opened: the deadline counts from here. */
  since: number;
  /** When a part last came or changed. */
  changedAt: number;
  job?: SetJob;
  /** Why it expired, kept until it starts. */
  reason?: string;
}

export type Verdict =
  | { kind: 'complete'; parts: SetPart[] }
  /** Look again at `until`. `missing` is empty when only the quiet period is waited for. */
  | { kind: 'waiting'; until: number; missing: string[] }
  | { kind: 'refused'; reason: string };

/** What is so at this time. Once complete and quiet, always complete: until a part changes. */
export function verdict(rule: GranuleRule, set: SetRecord, now: number): Verdict {
  const deadline = set.since + rule.deadlineSeconds * 1000;
  const all = partsInOrder(set);
  if (all.length > MOST_FILES)
    return { kind: 'refused', reason: `${all.length} files have come, and ${MOST_FILES} is the limit` };
  const found = gather(rule, all);
  if ('reason' in found) return { kind: 'refused', reason: found.reason };
  if (found.missing.length > 0) {
    return now < deadline
      ? { kind: 'waiting', until: deadline, missing: found.missing }
      : { kind: 'refused', reason: incomplete(rule, all, found.missing) };
  }
  // A stream of parts that never ends must not hold up what is complete.
  const quiet = Math.min(set.changedAt + (rule.quietSeconds ?? 0) * 1000, deadline);
  return now < quiet
    ? { kind: 'waiting', until: quiet, missing: [] }
    : { kind: 'complete', parts: found.parts };
}

type Gathered = { parts: SetPart[]; missing: string[] } | { reason: string };

function gather({ complete }: GranuleRule, all: SetPart[]): Gathered {
  if ('parts' in complete) {
    const there = new Set(all.map(({ part }) => part));
    return { parts: all, missing: complete.parts.filter((part) => !there.has(part)) };
  }
  if ('count' in complete) {
    const lacking = complete.count - all.length;
    return { parts: all, missing: lacking > 0 ? [`${lacking} of ${complete.count} files`] : [] };
  }
  const manifests = all.filter(({ key }) => isManifest(complete.manifest, key));
  const [manifest, second] = manifests;
  if (!manifest) return { parts: all, missing: ['the manifest that lists its files'] };
  if (second)
    return { reason: `two manifests have come, ${baseName(manifest.key)} and ${baseName(second.key)}` };
  if (manifest.fault !== undefined)
    return { reason: `its manifest ${baseName(manifest.key)} cannot be read: ${manifest.fault}` };
  return listed(manifest, all);
}

function listed(manifest: SetPart, all: SetPart[]): Gathered {
  const parts = [manifest];
  const missing: string[] = [];
  for (const file of manifest.lists ?? []) {
    const part = all.find(({ key }) => baseName(key) === file.name);
    const fault = part ? unlike(part, file) : file.name;
    if (fault !== undefined) missing.push(fault);
    // A manifest may list itself.
    else if (part && part !== manifest) parts.push(part);
  }
  return { parts: parts.toSorted(byKey), missing };
}

/** What differs from the manifest; what cannot be known here is compared when the file is fetched. */
function unlike(part: SetPart, { name, bytes, sha256 }: ListedFile): string | undefined {
  if (bytes !== undefined && bytes !== part.bytes)
    return `${name} with ${bytes} bytes (what came has ${part.bytes})`;
  if (sha256 !== undefined && part.sha256 !== undefined && sha256 !== part.sha256)
    return `${name} with the SHA-256 ${sha256} (what came has ${part.sha256})`;
  return undefined;
}

function incomplete(rule: GranuleRule, all: SetPart[], missing: string[]): string {
  const came = some(all.map(({ key, bytes }) => `${baseName(key)} (${bytes} bytes)`));
  return `Not complete ${duration(rule.deadlineSeconds)} after its first file: missing ${some(missing)}; what had come: ${came}`;
}

/** Of a thousand names no reason becomes clearer. */
const MOST_NAMED = 20;

function some(names: string[]): string {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const duration = (seconds: number): string =>
  seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;

export function isManifest(pattern: RegExp, key: string): boolean {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(baseName(key));
}

/** The inputs of a set's job. Each has a name of its own in the input folder. */
export function inputsOf(parts: SetPart[], named: (key: string) => string): StagedInput[] {
  const lists = parts.flatMap(({ key, lists: files }) =>
    (files ?? []).map((file) => ({ ...file, by: baseName(key) })),
  );
  const taken = new Set<string>();
  return parts.map(({ key, part, bytes, etag, sha256 }) => {
    const base = named(key);
    const name = taken.has(base) ? `${digest(part).slice(0, 8)}-${base}` : base;
    taken.add(name);
    const declared = lists.find((file) => file.name === baseName(key));
    const sums = declared && {
      ...(declared.md5 === undefined ? {} : { md5: declared.md5 }),
      ...(declared.sha256 === undefined ? {} : { sha256: declared.sha256 }),
    };
    return {
      key,
      name,
      bytes,
      etag,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(sums && Object.keys(sums).length > 0 ? { declared: { ...sums, by: declared.by } } : {}),
    };
  });
}

export const contentOf = ({ sha256, etag }: Pick<SetPart, 'sha256' | 'etag'>): string => sha256 ?? etag;

/** Equal for parts of equal content. */
export const signatureOf = (parts: SetPart[]): string =>
  digest(...parts.flatMap((part) => [part.part, part.key, contentOf(part)]));

export const partsInOrder = (set: SetRecord): SetPart[] => Object.values(set.parts).toSorted(byKey);

const byKey = (a: SetPart, b: SetPart): number => (a.key < b.key ? -1 : 1);

const baseName = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
