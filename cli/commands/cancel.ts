/** `longshore cancel JOB…`: stops what runs, forgets what waits. */
import type { Command } from 'commander';
import { cancel } from '../../lib/pipeline/cancel.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import { openBackend } from '../backend.ts';
import { UsageError } from '../errors.ts';
import type { Shell } from '../main.ts';
import { withBackend, withJson, type CommonOptions } from '../options.ts';

export function declare(program: Command, { out }: Shell): void {
  withJson(withBackend(program.command('cancel').argument('<job...>', 'job ids, as status shows them')))
    .description('Cancel jobs: a waiting one at once, a running one by stopping its container.')
    .action(async (ids: string[], options: CommonOptions) => {
      const jobs = await cancelJobs((await openBackend(options, out)).ctx, ids);
      if (options.json)
        return out.line(
          JSON.stringify(
            jobs.map(({ id, state }) => ({ job: id, state })),
            null,
            2,
          ),
        );
      for (const { id, state } of jobs)
        out.line(`${id}  ${state === 'running' ? 'is being stopped' : state}`);
    });
}

/** Throws {@link UsageError} before anything is cancelled when one of the jobs is not there. */
export async function cancelJobs(ctx: PipelineContext, ids: string[]): Promise<Job[]> {
  for (const id of ids)
    if (!(await readJob(ctx, id)))
      throw new UsageError(`There is no job "${id}": longshore status shows the jobs`);
  const jobs: Job[] = [];
  for (const id of ids) jobs.push(await cancel(ctx, id));
  return jobs;
}
