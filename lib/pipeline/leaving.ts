/** What a wake-up says of a job that is over, for now or for good. */
import type { Job } from './job.ts';
import type { Leaving } from './messages.ts';

export const leaving = ({ id, attempts }: Pick<Job, 'id' | 'attempts'>, attempt: number): Leaving => ({
  job: id,
  attempt,
  costsUsd: attempts.map(({ costUsd = 0 }) => costUsd),
});
