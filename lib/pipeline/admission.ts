/**
 * Exact admission: one record names all containers that hold a slot, and only compare-and-swap changes it, so that any
 * number of dispatchers together never pass `maxTasks`, a named limit, or one container for each publication name. A whole
 * batch is admitted with one write, which also keeps the launches to Fargate's quota.
 */
import { randomUUID } from 'node:crypto';
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { keys } from './keys.ts';

export interface Entry {
  /** One claim by one dispatcher. */
  claim: string;
  job: string;
  run: string;
  task: string;
  name: string;
  attempt: number;
  limits: string[];
  memoryMiB: number;
  claimedAt: number;
  /** The container is gone and the slot is free; the entry stays until the job is published, to hold its name. */
  settledAt?: number;
}

export interface Admission {
  entries: Entry[];
  /** Launches that may start now; refilled with time. */
  tokens: number;
  tokensAt: number;
  /** After a throttle or a full quota: nobody launches before. */
  pausedUntil?: number;
}

/** Fargate's launch quota: a bucket of 100, refilled by 20 a second. */
export const LAUNCH_BUCKET = 100;
export const LAUNCHES_PER_SECOND = 20;

const EMPTY: Admission = { entries: [], tokens: LAUNCH_BUCKET, tokensAt: 0 };

type Ledger = Pick<PipelineContext, 'records' | 'clock' | 'settings'>;

export async function readAdmission({ records }: Pick<PipelineContext, 'records'>): Promise<Admission> {
  return (await records.read<Admission>(keys.admission))?.value ?? EMPTY;
}

async function updateAdmission(
  { records }: Pick<PipelineContext, 'records'>,
  change: (admission: Admission) => Admission | undefined,
): Promise<Admission> {
  for (;;) {
    const read = await records.read<Admission>(keys.admission);
    const next = change(read?.value ?? EMPTY);
    if (!next) return read?.value ?? EMPTY;
    const version = read
      ? await records.replace(keys.admission, next, read.version)
      : await records.create(keys.admission, next);
    if (version !== undefined) return next;
  }
}

const sameName = (entry: Entry, job: Job): boolean => entry.task === job.task && entry.name === job.name;

/** Whether the job may start beside these entries. */
export function fits(entries: Entry[], job: Job, settings: PipelineContext['settings']): boolean {
  if (entries.some((entry) => sameName(entry, job))) return false;
  const holding = entries.filter((entry) => entry.settledAt === undefined);
  if (holding.length >= settings.maxTasks) return false;
  for (const limit of job.limits) {
    const share = settings.limits[limit];
    if (share !== undefined && holding.filter((entry) => entry.limits.includes(limit)).length >= share)
      return false;
  }
  if (settings.memoryMiB === undefined || holding.length === 0) return true;
  const used = holding.reduce((sum, entry) => sum + entry.memoryMiB, 0);
  return used + job.size.memoryMiB <= settings.memoryMiB;
}

const tokensAt = (admission: Admission, now: number): number =>
  Math.min(LAUNCH_BUCKET, admission.tokens + ((now - admission.tokensAt) / 1000) * LAUNCHES_PER_SECOND);

/** How many more launches could be admitted now, before looking at any job; 0 with the seconds to wait. */
export function room(
  admission: Admission,
  { settings, clock }: Ledger,
): { launches: number; waitSeconds?: number } {
  const now = clock.now();
  if (admission.pausedUntil !== undefined && admission.pausedUntil > now) {
    return { launches: 0, waitSeconds: (admission.pausedUntil - now) / 1000 };
  }
  const free = settings.maxTasks - admission.entries.filter((entry) => entry.settledAt === undefined).length;
  if (free <= 0) return { launches: 0 };
  const tokens = Math.floor(tokensAt(admission, now));
  return tokens < 1
    ? { launches: 0, waitSeconds: 1 / LAUNCHES_PER_SECOND }
    : { launches: Math.min(free, tokens) };
}

/** What the job's next attempt would hold. */
export const entryOf = (job: Job, claimedAt: number): Entry => ({
  claim: randomUUID(),
  job: job.id,
  run: job.run,
  task: job.task,
  name: job.name,
  attempt: job.attempts.length + 1,
  limits: job.limits,
  memoryMiB: job.size.memoryMiB,
  claimedAt,
});

/** Admits as many of the jobs, in their order, as fit. One write for all of them. */
export async function admit(ledger: Ledger, jobs: Job[]): Promise<Entry[]> {
  let admitted: Entry[] = [];
  await updateAdmission(ledger, (admission) => {
    admitted = [];
    const now = ledger.clock.now();
    let { launches } = room(admission, ledger);
    const entries = [...admission.entries];
    for (const job of jobs) {
      if (launches === 0) break;
      if (!fits(entries, job, ledger.settings)) continue;
      const entry = entryOf(job, now);
      entries.push(entry);
      admitted.push(entry);
      launches -= 1;
    }
    if (admitted.length === 0) return undefined;
    return { entries, tokens: tokensAt(admission, now) - admitted.length, tokensAt: now };
  });
  return admitted;
}

/** Frees the slot of an attempt whose container is gone; the name stays taken until {@link leave}. */
export async function freeSlot(ledger: Ledger, job: string, attempt: number): Promise<void> {
  await updateAdmission(ledger, (admission) => {
    const entry = admission.entries.find((one) => one.job === job && one.attempt === attempt);
    if (!entry || entry.settledAt !== undefined) return undefined;
    const settled = { ...entry, settledAt: ledger.clock.now() };
    return { ...admission, entries: admission.entries.map((one) => (one === entry ? settled : one)) };
  });
}

/** Removes the job's entries (or only one claim's). True when there was one. */
export async function leave(ledger: Ledger, job: string, claim?: string): Promise<boolean> {
  let left = false;
  await updateAdmission(ledger, (admission) => {
    const entries = admission.entries.filter(
      (entry) => entry.job !== job || (claim !== undefined && entry.claim !== claim),
    );
    left = entries.length < admission.entries.length;
    return left ? { ...admission, entries } : undefined;
  });
  return left;
}

/** A throttle or a full quota: all dispatchers hold their launches for so long. */
export async function pause(ledger: Ledger, seconds: number): Promise<void> {
  const until = ledger.clock.now() + seconds * 1000;
  await updateAdmission(ledger, (admission) =>
    (admission.pausedUntil ?? 0) >= until ? undefined : { ...admission, pausedUntil: until },
  );
}
