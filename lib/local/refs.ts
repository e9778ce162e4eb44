/** The runner's names for launches: made from home, job and attempt, so that a launch twice has one name. */
import { join } from 'node:path';
import { stagingKeys } from '../pipeline/attempt-record.ts';

export interface AttemptName {
  job: string;
  /** 1, 2, … */
  attempt: number;
}

/** `homeId` tells this home's containers from those of other homes on the machine. */
export const refOf = (homeId: string, { job, attempt }: AttemptName): string =>
  `longshore-${homeId}-${job}-${attempt}`;

/** `undefined` for a ref of another home. No job's name here leads out of its folder. */
export function parseRef(homeId: string, ref: string): AttemptName | undefined {
  const prefix = `longshore-${homeId}-`;
  const match = ref.startsWith(prefix)
    ? /^([A-Za-z0-9][A-Za-z0-9-]*)-([1-9]\d*)$/.exec(ref.slice(prefix.length))
    : null;
  return match ? { job: match[1] ?? '', attempt: Number(match[2]) } : undefined;
}

/** The attempt's folder below the staging store's root, which is also where its staged outputs are. */
export const attemptDir = (work: string, { job, attempt }: AttemptName): string =>
  join(work, stagingKeys.attempt(job, attempt));
