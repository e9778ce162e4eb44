/** What the jobs of a plan come to together. */
import type { PipelineSettings } from '../pipeline/context.ts';
import type { Plan, PlannedJob } from '../pipeline/plan.ts';
import { makespan } from './makespan.ts';

/** A limit that only the first minutes are held back by is not worth a word. */
const NOTABLY = 1.02;

/** Neither fresh nor without a source. */
export const isToBeMade = ({ fresh, refused }: PlannedJob): boolean =>
  fresh === undefined && refused === undefined;

export function totalsOf(
  jobs: readonly PlannedJob[],
  room: Pick<PipelineSettings, 'maxTasks' | 'limits' | 'memoryMiB'>,
): Plan['totals'] {
  const made = jobs.filter(isToBeMade);
  const { seconds, peakVcpu, heldBy: limit } = makespan(made, room);
  const isNotable =
    limit !== undefined && seconds > NOTABLY * makespan(made, { ...room, limits: {} }).seconds;
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
    ...(isNotable ? { heldBy: limit } : {}),
  };
}

const round = (value: number): number => Number(value.toFixed(4));
