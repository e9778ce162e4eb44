/** Checks the jobs of a manifest against the task files. */
import type { TaskDefinition } from '../tasks/define-task.ts';
import { nearest } from '../tasks/nearest.ts';
import { checkParams } from '../tasks/params.ts';
import type { PlacedJob } from './manifest.ts';

/** The good ones, their parameters typed; each fault of the others is added to `faults`, with its place. */
export function checkJobs(
  placed: PlacedJob[],
  tasks: ReadonlyMap<string, TaskDefinition>,
  faults: string[],
): PlacedJob[] {
  const jobs = placed.flatMap((one) => checkJob(one, tasks, faults));
  faults.push(...duplicates(jobs, tasks));
  return jobs;
}

function checkJob(
  { where, job }: PlacedJob,
  tasks: ReadonlyMap<string, TaskDefinition>,
  faults: string[],
): PlacedJob[] {
  const task = tasks.get(job.task);
  if (!task) {
    const known = [...tasks.keys()];
    const guess = nearest(job.task, known);
    faults.push(
      `${where}: there is no task "${job.task}"${guess ? `: did you mean "${guess}"?` : ''} (there are ${known.join(', ')})`,
    );
    return [];
  }
  const checked = checkParams(task, job.params);
  if (!checked.ok) {
    faults.push(...checked.faults.map((fault) => `${where}: ${fault}`));
    return [];
  }
  const needs = task.needsFile?.(checked.params);
  if (needs !== undefined) {
    faults.push(`${where}: ${needs}`);
    return [];
  }
  return [{ where, job: { ...job, params: checked.given } }];
}

/** Two jobs of one publication name would overwrite each other's result. */
function duplicates(jobs: PlacedJob[], tasks: ReadonlyMap<string, TaskDefinition>): string[] {
  const seen = new Map<string, string>();
  return jobs.flatMap(({ where, job }) => {
    const task = tasks.get(job.task)!;
    const name = task.publishAs?.(task.params.parse(job.params));
    if (name === undefined) {
      return [];
    }
    const key = `${job.task} ${name}`;
    const first = seen.get(key);
    seen.set(key, first ?? where);
    return first === undefined ? [] : [`${where}: it would publish the same as ${first} (${key})`];
  });
}
