/**
 * The ledger's layout. A LIST answers each question:
 *
 *     jobs/<job>                                        the record of each job: the truth
 *     waiting/<priority>/<inverse bytes>/<limits>/<run>/<job>.<attempt>    what waits, in the order in which it goes (largest first)
 *     delayed/<time>/<priority>/<inverse bytes>/<limits>/<run>/<job>.<attempt>   retries that wait for their time
 *     runs/<run>/accepted/<job>                         all jobs of a run
 *     runs/<run>/<terminal state>/<job>                 what was published, failed, … in it
 *     uploads/<hash of key>                             the latest version seen of each dropped file
 *     retries/<job>                                     an end that a person undoes, until that is done
 *     sets/<hash of task and granule>                   the files of each granule that have come, and the job they became
 *     collecting/<time>/<hash>                          sets that wait: when the sweep looks at them
 *     schedules/<hash>                                  the time up to which a schedule's runs are started
 *     admission                                         what runs, against `maxTasks` and the named limits
 *
 * The markers below waiting/, delayed/ and runs/ follow the record: they are written before the step that makes them
 * true is given up (its message acknowledged, its admission entry removed), so a crash leaves work to repeat, not to find.
 */
import type { Job, TerminalState } from './job.ts';
import { digest } from './names.ts';

/** 10^15 − bytes in 16 digits: more bytes sort first. 1 PB is beyond any object. */
const inverse = (bytes: number): string =>
  String(1e15 - Math.min(Math.floor(bytes), 1e15 - 1)).padStart(16, '0');

/**
 * `=mirror%3Adownload.geofabrik.de`: the named limits, so that whoever looks for work need not read the records of all that
 * a limit holds back. `-` without any, `~` where they are too many for a file name.
 */
function limitsPart(limits: string[]): string {
  if (limits.length === 0) return '-';
  const part = `=${limits.map(encodeURIComponent).join('+')}`;
  return part.length > MAX_LIMITS_PART ? '~' : part;
}
const MAX_LIMITS_PART = 200;

/** The attempt is part of it, so that a dispatcher that clears up late never takes away the marker of a retry. */
const turn = (job: Job, attempt: number): string =>
  `${job.priority}/${inverse(job.bytes)}/${limitsPart(job.limits)}/${job.run}/${job.id}.${attempt}`;
const nextAttempt = (job: Job): number => job.attempts.length + 1;

export const keys = {
  admission: 'admission',
  jobs: 'jobs/',
  job: (id: string): string => `jobs/${id}`,
  upload: (key: string): string => `uploads/${digest(key)}`,
  set: (task: string, granule: string): string => `sets/${digest(task, granule)}`,
  collectingPrefix: 'collecting/',
  /** `until`: milliseconds since the epoch. */
  collecting: (task: string, granule: string, until: number): string =>
    `collecting/${new Date(until).toISOString()}/${digest(task, granule)}`,
  setOfMarker: (marker: string): string => `sets/${marker.slice(marker.lastIndexOf('/') + 1)}`,
  waitingPrefix: 'waiting/',
  waiting: (job: Job, attempt = nextAttempt(job)): string => `waiting/${turn(job, attempt)}`,
  delayedPrefix: 'delayed/',
  delayed: (job: Job): string =>
    `delayed/${new Date(job.notBefore ?? 0).toISOString()}/${turn(job, nextAttempt(job))}`,
  schedule: (id: string): string => `schedules/${digest(id)}`,
  retriesPrefix: 'retries/',
  retry: (id: string): string => `retries/${id}`,
  runs: 'runs/',
  run: (run: string): string => `runs/${run}/`,
  accepted: (job: Job): string => `runs/${job.run}/accepted/${job.id}`,
  ended: (job: Job, state: TerminalState): string => `runs/${job.run}/${state}/${job.id}`,
};

/** Run and job of a marker below waiting/ or delayed/. */
export function parseTurn(key: string): { run: string; job: string } {
  const parts = key.split('/');
  return { run: parts.at(-2) ?? '', job: (parts.at(-1) ?? '').replace(/\.\d+$/, '') };
}

/** The named limits of a marker's job; `undefined` where only the job's record tells. */
export function limitsOfTurn(key: string): string[] | undefined {
  const part = key.split('/').at(-3) ?? '~';
  if (part === '-') return [];
  return part.startsWith('=') ? part.slice(1).split('+').map(decodeURIComponent) : undefined;
}

/** The time until which a marker below delayed/ waits. */
export const delayedUntil = (key: string): number => Date.parse(key.split('/')[1] ?? '');

/** The time until which a marker below collecting/ waits. */
export const collectingUntil = (key: string): number => Date.parse(key.split('/')[1] ?? '');

/** The name of what is written last beside each publication. */
export const RECEIPT = 'receipt.json';

/** Where things are published and set aside. */
export const outputKeys = {
  folder: (job: Pick<Job, 'task' | 'name'>): string => `${job.task}/${job.name}/`,
  file: (job: Pick<Job, 'task' | 'name'>, file: string): string => `${job.task}/${job.name}/${file}`,
  receipt: (job: Pick<Job, 'task' | 'name'>): string => `${job.task}/${job.name}/${RECEIPT}`,
};
export const quarantineKeys = {
  input: (job: Pick<Job, 'task' | 'id'>, name: string): string => `${job.task}/${job.id}/input/${name}`,
  output: (job: Pick<Job, 'task' | 'id'>, file: string): string => `${job.task}/${job.id}/output/${file}`,
  log: (job: Pick<Job, 'task' | 'id'>, attempt: number): string =>
    `${job.task}/${job.id}/attempt-${attempt}.log.jsonl`,
  receipt: (job: Pick<Job, 'task' | 'id'>): string => `${job.task}/${job.id}/${RECEIPT}`,
};
