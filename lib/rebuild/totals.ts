/** What the jobs of a plan come to together. */
import type { PipelineSettings } from '../pipeline/context.ts';
import type { Plan, PlannedJob } from '../pipeline/plan.ts';
import { makespan } from './makespan.ts';

/** Neither fresh nor without a source. */
export const isToBeMade = ({ fresh, refused }: PlannedJob): boolean =>
  fresh === undefined && refused === undefined;

export function totalsOf(
  jobs: readonly PlannedJob[],
  room: Pick<PipelineSettings, 'maxTasks' | 'limits' | 'memoryMiB'>,
): Plan['totals'] {
  const made = jobs.filter(isToBeMade);
  const { seconds, peakVcpu, heldBy } = makespan(made, room);
  const sum = (of: (job: PlannedJob) => number): number => made.reduce((total, job) => total + of(job), 0);
  return {
    jobs: made.length,
    fresh: jobs.filter(({ fresh }) => fresh !== undefined).length,
    bytes: sum(({ bytes }) => bytes),
    seconds: round(sum(({ expectedSeconds }) => expectedSeconds)),
    makespanSeconds: round(seconds),
    costUsd: {
      onDemand: round(sum(({ costUsd }) => costUsd.onDemand)),
      spot: round(sum(({ costUsd }) => costUsd.spot)),
    },
    peakVcpu,
    ...(heldBy === undefined ? {} : { heldBy }),
  };
}

const round = (value: number): number => Number(value.toFixed(4));
