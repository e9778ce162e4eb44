/**
 * Files that are one job together: collected in a record by compare-and-swap, started when complete, set aside with what is
 * missing when the deadline has passed. The record says what is to be; the job and the marker follow from it, and are written
 * again by whoever comes across it (a repeated message, the sweep).
 */
import { text } from 'node:stream/consumers';
import { readFileList, type ListedFile } from '../tasks/file-list.ts';
import { partOf, type ByManifest, type GranuleRule } from '../tasks/granule-rule.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { createJob, endingOf, type Shell } from './create-job.ts';
import {
  contentOf,
  inputsOf,
  isManifest,
  partsInOrder,
  signatureOf,
  verdict,
  type SetPart,
  type SetRecord,
} from './granule-set.ts';
import { isTerminal, type Job } from './job.ts';
import { collectingUntil, keys } from './keys.ts';
import { readJob } from './ledger.ts';
import type { UploadMessage } from './messages.ts';
import { dropRun, inputName, jobId, publicationName, timeSequence } from './names.ts';

/** A longer file is no list of files. */
const MOST_MANIFEST_BYTES = 1024 ** 2;

export interface SetOf {
  task: TaskDefinition;
  rule: GranuleRule;
  granule: string;
  part: string;
}

/** The set that a dropped file is part of; `undefined` when it is a job by itself. */
export function setOf(ctx: Pick<PipelineContext, 'tasks'>, key: string): SetOf | undefined {
  const slash = key.indexOf('/');
  const task = ctx.tasks.get(key.slice(0, Math.max(0, slash)));
  const rule = task?.granule;
  const found = rule && partOf(rule, key.slice(slash + 1));
  return task && rule && found ? { task, rule, ...found } : undefined;
}

/** `undefined`: the set still waits, or the message is of an older version of the part. */
export async function acceptPart(
  ctx: PipelineContext,
  { task, rule, granule, part: name }: SetOf,
  message: UploadMessage,
): Promise<Job | undefined> {
  const part = await readPart(ctx, rule, name, message);
  if (!part) return undefined;
  const key = keys.set(task.name, granule);
  for (;;) {
    const seen = await ctx.records.read<SetRecord>(key);
    const merged = await merge(ctx, seen?.value, { task: task.name, granule, part });
    if (merged === 'stale') {
      ctx.log.info('Upload:Accept:Stale', { key: message.key, sequence: message.sequence });
      return undefined;
    }
    const now = ctx.clock.now();
    const next = merged.state === 'collecting' ? decide(rule, merged, now) : merged;
    const written =
      next === seen?.value
        ? seen.version
        : seen
          ? await ctx.records.replace(key, next, seen.version)
          : await ctx.records.create(key, next);
    if (written === undefined) continue;
    ctx.log.info('Upload:Collect:Done', { task: task.name, granule, key: message.key, state: next.state });
    return await follow(ctx, next, seen?.value);
  }
}

/** `undefined`: another version is there already, and its message is on its way or was here before. */
async function readPart(
  ctx: PipelineContext,
  { complete }: GranuleRule,
  part: string,
  { key, bytes, etag, sha256, sequence }: UploadMessage,
): Promise<SetPart | undefined> {
  const plain: SetPart = {
    part,
    key,
    bytes,
    etag,
    ...(sha256 === undefined ? {} : { sha256 }),
    sequence,
    cameAt: ctx.clock.now(),
  };
  if (!('manifest' in complete) || !isManifest(complete.manifest, key)) return plain;
  if (bytes > MOST_MANIFEST_BYTES)
    return { ...plain, fault: `it has ${bytes} bytes, and ${MOST_MANIFEST_BYTES} is the limit` };
  if ((await ctx.stores.uploads.head(key))?.etag !== etag) return undefined;
  const content = await text(await ctx.stores.uploads.get(key));
  return { ...plain, ...listOf(complete, content) };
}

function listOf(rule: ByManifest, content: string): { lists: ListedFile[] } | { fault: string } {
  try {
    return { lists: rule.read ? rule.read(content) : readFileList(content) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

/** The set with this part; the very same object when the part is known, `stale` when a newer version of it is. */
async function merge(
  ctx: PipelineContext,
  set: SetRecord | undefined,
  { task, granule, part }: { task: string; granule: string; part: SetPart },
): Promise<SetRecord | 'stale'> {
  const now = ctx.clock.now();
  const opened = { state: 'collecting', since: now, changedAt: now } as const;
  if (!set) return { task, granule, ...opened, parts: { [part.part]: part } };
  const known = set.parts[part.part];
  const sameContent = known?.key === part.key && contentOf(known) === contentOf(part);
  if (known && part.sequence < known.sequence) return sameContent ? set : 'stale';
  if (known && part.sequence === known.sequence && known.key === part.key) return set;
  const parts = { ...set.parts, [part.part]: part };
  if (set.state === 'collecting') return { ...set, parts, changedAt: now };
  if (set.state === 'expired') return { ...set, ...opened, parts };
  // Dropping again what did not publish is how a person asks for another try.
  const again = set.job !== undefined && (await endedUnpublished(ctx, set.job.id));
  if (sameContent && !again) return { ...set, parts };
  const { job, ...without } = set;
  return { ...without, ...opened, parts, ...(job === undefined || again ? {} : { job }) };
}

async function endedUnpublished(ctx: PipelineContext, id: string): Promise<boolean> {
  const job = await readJob(ctx, id);
  return job !== undefined && isTerminal(job.state) && job.state !== 'published';
}

/** What a collecting set is at this time: the same, started, or expired. */
function decide(rule: GranuleRule, set: SetRecord, now: number): SetRecord {
  const found = verdict(rule, set, now);
  if (found.kind === 'waiting') return set;
  // The same fault is told once, however many parts come after a manifest that cannot be read.
  if (found.kind === 'refused' && set.job && set.reason === found.reason) return { ...set, state: 'expired' };
  const parts = found.kind === 'complete' ? found.parts : partsInOrder(set);
  const signature = signatureOf(parts);
  // What came meanwhile is no part of it: a file that the manifest does not list.
  const { reason: _, ...rest } = set;
  if (found.kind === 'complete' && set.job?.signature === signature) return { ...rest, state: 'started' };
  // Later than every job of this granule before, whatever the clocks of those who decided.
  const last = set.job === undefined ? 0 : Number.parseInt(set.job.sequence, 16);
  const sequence = timeSequence(Math.max(now, last + 1));
  const id = jobId(set.task, set.granule, [found.kind, signature, sequence]);
  const job = { id, run: dropRun(now), sequence, signature, parts: parts.map(({ part }) => part) };
  return found.kind === 'complete'
    ? { ...rest, state: 'started', job }
    : { ...rest, state: 'expired', job, reason: found.reason };
}

/** Writes what the record says: the job, or the marker by which the sweep finds the set. Idempotent. */
async function follow(ctx: PipelineContext, set: SetRecord, before?: SetRecord): Promise<Job | undefined> {
  const rule = ctx.tasks.get(set.task)?.granule;
  if (set.state === 'collecting') {
    if (rule) await ctx.records.create(markerOf(rule, set, ctx.clock.now()), {});
    return undefined;
  }
  const shell = shellOf(ctx, set);
  const job = shell && (await createJob(ctx, shell, refusalOf(set)));
  if (rule && before?.state === 'collecting') {
    const marker = markerOf(rule, before, before.changedAt);
    await ctx.records.delete(marker);
  }
  return job;
}

function markerOf(rule: GranuleRule, set: SetRecord, now: number): string {
  const found = verdict(rule, set, now);
  return keys.collecting(set.task, set.granule, found.kind === 'waiting' ? found.until : now);
}

const refusalOf = ({ state, reason }: SetRecord): { cause: 'incomplete'; reason: string } | undefined =>
  state === 'expired' ? { cause: 'incomplete', reason: reason ?? 'Not complete' } : undefined;

function shellOf(ctx: PipelineContext, { task, granule, parts, job }: SetRecord): Shell | undefined {
  if (!job) return undefined;
  const definition = ctx.tasks.get(task);
  const chosen = job.parts.flatMap((name) => parts[name] ?? []);
  const isMain = ({ key }: SetPart): boolean => endingOf(definition, key) !== '';
  // What the task takes goes before what comes with it.
  const inputs = inputsOf([...chosen.filter(isMain), ...chosen.filter((part) => !isMain(part))], (key) =>
    inputName(key, endingOf(definition, key)),
  );
  return {
    id: job.id,
    run: job.run,
    task,
    name: publicationName(granule),
    params: {},
    inputs,
    bytes: chosen.reduce((sum, { bytes }) => sum + bytes, 0),
    priority: 0,
    sequence: job.sequence,
  };
}

/** Starts sets that have been quiet long enough, and ends those whose deadline has passed. How many were looked at. */
export async function sweepSets(ctx: PipelineContext): Promise<number> {
  let looked = 0;
  for await (const marker of ctx.records.list(keys.collectingPrefix)) {
    if (collectingUntil(marker) > ctx.clock.now()) break;
    looked += 1;
    try {
      await lookAtSet(ctx, marker);
    } catch (error) {
      // One that cannot be looked at keeps none behind it from its end.
      ctx.log.error('Sweep:Look:Failed', { marker, reason: String(error) });
    }
  }
  return looked;
}

async function lookAtSet(ctx: PipelineContext, marker: string): Promise<void> {
  const key = keys.setOfMarker(marker);
  const seen = await ctx.records.read<SetRecord>(key);
  if (seen) {
    const rule = ctx.tasks.get(seen.value.task)?.granule;
    if (!rule) {
      // A deployment took the rule away: it may come back, and what was dropped is still there.
      ctx.log.warn('Granule:Collect:NoRule', { task: seen.value.task, granule: seen.value.granule });
      return;
    }
    const set = seen.value;
    const next = set.state === 'collecting' ? decide(rule, set, ctx.clock.now()) : set;
    // Somebody was faster: the marker is looked at again.
    if (next !== set && (await ctx.records.replace(key, next, seen.version)) === undefined) return;
    await follow(ctx, next);
    if (next.state === 'collecting' && markerOf(rule, next, ctx.clock.now()) === marker) return;
  }
  await ctx.records.delete(marker);
}

export interface WaitingSet {
  task: string;
  granule: string;
  /** Keys of the parts that have come. */
  parts: string[];
  /** What is waited for; empty when only for quiet. */
  missing: string[];
  /** ISO 8601: when its first part came, and when it is given up, or starts. */
  since: string;
  until: string;
}

/** Sets that are not complete, those whose time is nearest first; at most `most`. */
export async function waitingSets(ctx: PipelineContext, most = 1000): Promise<WaitingSet[]> {
  const found = new Set<string>();
  for await (const marker of ctx.records.list(keys.collectingPrefix)) {
    if (found.size >= most) break;
    found.add(keys.setOfMarker(marker));
  }
  const sets = await mapLimit([...found], 16, async (key) => await waitingSet(ctx, key));
  return sets.filter((set) => set !== undefined).toSorted((a, b) => (a.until < b.until ? -1 : 1));
}

async function waitingSet(ctx: PipelineContext, key: string): Promise<WaitingSet | undefined> {
  const set = (await ctx.records.read<SetRecord>(key))?.value;
  const rule = set && ctx.tasks.get(set.task)?.granule;
  if (!rule || set.state !== 'collecting') return undefined;
  const now = verdict(rule, set, ctx.clock.now());
  return {
    task: set.task,
    granule: set.granule,
    parts: partsInOrder(set).map((part) => part.key),
    missing: now.kind === 'waiting' ? now.missing : [],
    since: new Date(set.since).toISOString(),
    until: new Date(now.kind === 'waiting' ? now.until : ctx.clock.now()).toISOString(),
  };
}
