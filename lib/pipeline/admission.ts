/**
 * Exact admission: one record names all containers that hold a slot, and only compare-and-swap changes it, so that any
 * number of dispatchers together never pass `maxTasks`, a named limit, or one job at a time for each publication name. A whole
 * batch is admitted with one write, which also keeps the launches to Fargate's quota.
 */
import { randomUUID } from 'node:crypto';
import { affordable, expectedUsd, spend, type Budget } from './budget.ts';
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { keys } from './keys.ts';
import { launchId } from './launch-id.ts';
import type { Leaving, WakeMessage } from './messages.ts';

/** A job's part in a launch. */
export interface Member {
  job: string;
  name: string;
  attempt: number;
  /** What it should cost, in US dollars: held back from the run's budget until it has left. */
  expectedUsd: number;
  /** Over for the job: published, ended, or waiting to be tried again. Its name is free. Kept for the others' shares of the cost. */
  left?: true;
}

/** One launch: one container, one slot, whatever the number of its members. */
export interface Entry {
  /** One claim by one dispatcher. */
  claim: string;
  /** Name of the launch (`launch-id.ts`). */
  launch: string;
  run: string;
  task: string;
  members: Member[];
  /** Named limits that it has a share of; none any more once it has fetched what it needs. */
  limits: string[];
  memoryMiB: number;
  claimedAt: number;
  /** The container is gone and the slot is free; the entry stays until the last member is published, to hold the names. */
  settledAt?: number;
}

export interface Admission {
  entries: Entry[];
  /** Of runs that have one (`budget.ts`). */
  budgets?: Record<string, Budget>;
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
): Promise<void> {
  // eslint-disable-next-line typescript/require-await -- a change that has something to read waits
  await updateAdmissionOf({ records }, async (admission) => change(admission));
}

/** `change` sees the record that its result will replace, and is called again when somebody else was faster. */
export async function updateAdmissionOf(
  { records }: Pick<PipelineContext, 'records'>,
  change: (admission: Admission) => Promise<Admission | undefined>,
): Promise<void> {
  for (;;) {
    const read = await records.read<Admission>(keys.admission);
    const next = await change(read?.value ?? EMPTY);
    if (!next) return;
    const version = read
      ? await records.replace(keys.admission, next, read.version)
      : await records.create(keys.admission, next);
    if (version !== undefined) return;
  }
}

/** Whether no job of this name is running, or being published. */
export const nameIsFree = (entries: Entry[], { task, name }: Pick<Job, 'task' | 'name'>): boolean =>
  !entries.some(
    (entry) => entry.task === task && entry.members.some((member) => !member.left && member.name === name),
  );

/** Whether a launch of these jobs, which are of one kind, may start beside these entries. */
export function fits(entries: Entry[], jobs: Job[], settings: PipelineContext['settings']): boolean {
  const [first] = jobs;
  if (!first || !jobs.every((job) => nameIsFree(entries, job))) return false;
  const holding = entries.filter((entry) => entry.settledAt === undefined);
  if (holding.length >= settings.maxTasks) return false;
  for (const limit of first.limits) {
    const share = settings.limits[limit];
    if (share !== undefined && holding.filter((entry) => entry.limits.includes(limit)).length >= share)
      return false;
  }
  if (settings.memoryMiB === undefined || holding.length === 0) return true;
  const used = holding.reduce((sum, entry) => sum + entry.memoryMiB, 0);
  return used + first.size.memoryMiB <= settings.memoryMiB;
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

/** What a launch of the jobs' next attempts would hold. The jobs are of one kind (`packs.ts`), and at least one. */
export function entryOf(
  jobs: [Job, ...Job[]],
  { clock, settings }: Pick<PipelineContext, 'clock' | 'settings'>,
): Entry {
  const [{ run, task, limits, size }] = jobs;
  const claim = randomUUID();
  const members = jobs.map((job) => ({
    job: job.id,
    name: job.name,
    attempt: job.attempts.length + 1,
    expectedUsd: expectedUsd(job, settings),
  }));
  return {
    claim,
    launch: launchId(task, members, claim),
    run,
    task,
    members,
    limits,
    memoryMiB: size.memoryMiB,
    claimedAt: clock.now(),
  };
}

const isNotEmpty = (jobs: Job[]): jobs is [Job, ...Job[]] => jobs.length > 0;

/** Takes out what the wakes free, and admits as many of the launches, in their order, as fit. One write for all of it. */
export async function admit(ledger: Ledger, launches: Job[][], wakes: WakeMessage[] = []): Promise<Entry[]> {
  let admitted: Entry[] = [];
  await updateAdmission(ledger, (found) => {
    admitted = [];
    const now = ledger.clock.now();
    const admission = released(found, wakes, now);
    let { launches: left } = room(admission, ledger);
    const entries = [...admission.entries];
    for (const wished of launches) {
      if (left === 0) break;
      // A name that was taken since they were gathered keeps its own job back, and not its companions; so does a budget.
      const free = wished.filter((job) => nameIsFree(entries, job));
      const jobs = affordable({ ...admission, entries }, free, ledger.settings);
      if (!isNotEmpty(jobs) || !fits(entries, jobs, ledger.settings)) continue;
      const entry = entryOf(jobs, ledger);
      entries.push(entry);
      admitted.push(entry);
      left -= 1;
    }
    if (admitted.length === 0) return admission === found ? undefined : admission;
    return { ...admission, entries, tokens: tokensAt(admission, now) - admitted.length, tokensAt: now };
  });
  return admitted;
}

/**
 * The admission without what the wakes say is over; the same object when it is all known. An entry whose container is gone
 * holds its members' names until they have left, and goes with the last. Wakes come twice and late: they name launches and
 * attempts, so that none frees what was admitted since.
 */
export function released(admission: Admission, wakes: WakeMessage[], now: number): Admission {
  const freed = new Set(wakes.flatMap((wake) => wake.freed ?? []));
  const fetched = new Set(wakes.flatMap((wake) => wake.fetched ?? []));
  const left = new Map<string, Leaving>();
  for (const one of wakes.flatMap((wake) => wake.left ?? []))
    if (one.attempt >= (left.get(one.job)?.attempt ?? 0)) left.set(one.job, one);
  if (freed.size + left.size + fetched.size === 0) return admission;
  const goes = ({ job, attempt }: Member): boolean => attempt <= (left.get(job)?.attempt ?? 0);
  let { budgets } = admission;
  let isChanged = false;
  const entries = admission.entries.flatMap((entry): Entry[] => {
    const isFreed = entry.settledAt === undefined && freed.has(entry.launch);
    const hasFetched = entry.limits.length > 0 && fetched.has(entry.launch);
    if (!isFreed && !hasFetched && !entry.members.some((member) => !member.left && goes(member)))
      return [entry];
    isChanged = true;
    const members = entry.members.map((member) => {
      if (member.left || !goes(member)) return member;
      const cost = left.get(member.job)?.costsUsd[member.attempt - 1] ?? member.expectedUsd;
      budgets = spend(budgets, entry.run, cost);
      return { ...member, left: true as const };
    });
    if (members.every((member) => member.left)) return [];
    return [
      { ...entry, members, ...(isFreed ? { settledAt: now } : {}), ...(hasFetched ? { limits: [] } : {}) },
    ];
  });
  return isChanged ? { ...admission, entries, ...(budgets ? { budgets } : {}) } : admission;
}

/** {@link released}, written. */
export async function release(
  ledger: Pick<PipelineContext, 'records' | 'clock'>,
  wakes: WakeMessage[],
): Promise<void> {
  if (
    wakes.every(
      ({ freed = [], left = [], fetched = [] }) => freed.length + left.length + fetched.length === 0,
    )
  )
    return;
  await updateAdmission(ledger, (found) => {
    const admission = released(found, wakes, ledger.clock.now());
    return admission === found ? undefined : admission;
  });
}

/** Takes out members that have no part in the launch after all: nobody else's share of the cost depends on them. */
export async function drop(ledger: Ledger, jobs: string[], claim: string): Promise<void> {
  const dropped = new Set(jobs);
  await updateAdmission(ledger, (admission) => {
    const entry = admission.entries.find((one) => one.claim === claim);
    const members = entry?.members.filter(({ job }) => !dropped.has(job)) ?? [];
    if (!entry || members.length === entry.members.length) return undefined;
    const entries = admission.entries.flatMap((one) => {
      if (one !== entry) return [one];
      return members.every(({ left }) => left) ? [] : [{ ...entry, members }];
    });
    return { ...admission, entries };
  });
}

/** The entry of a launch, by the launch's name. */
export const entryOfLaunch = async (
  ledger: Pick<PipelineContext, 'records'>,
  launch: string,
): Promise<Entry | undefined> =>
  (await readAdmission(ledger)).entries.find((entry) => entry.launch === launch);

/** A throttle or a full quota: all dispatchers hold their launches for so long. */
export async function pause(ledger: Ledger, seconds: number): Promise<void> {
  const until = ledger.clock.now() + seconds * 1000;
  await updateAdmission(ledger, (admission) =>
    (admission.pausedUntil ?? 0) >= until ? undefined : { ...admission, pausedUntil: until },
  );
}
