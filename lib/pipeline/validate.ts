/** Checks the staged outputs as the task file says. What fails is set aside; what is published stays as it was. */
import type { CheckResult, OutputContext, OutputSpec, TaskDefinition } from '../tasks/define-task.ts';
import { outputOf } from '../tasks/outputs.ts';
import type { StagedFile } from './attempt-record.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import { publishedReceipt } from './fresh.ts';
import type { Job } from './job.ts';
import { isTerminal } from './job.ts';
import { RECEIPT } from './keys.ts';
import { JobMissingError, readJob, updateJob } from './ledger.ts';
import { readAttemptRecord, readStaged } from './staging.ts';
import { taskOf } from './task-of.ts';

export interface StepOf {
  job: string;
  attempt: number;
}

/** True when the job may be published: the caller sends the next step. */
export async function validate(ctx: PipelineContext, { job: id, attempt }: StepOf): Promise<boolean> {
  const job = await readJob(ctx, id);
  if (!job) throw new JobMissingError(id);
  if (job.state !== 'running' || job.phase !== 'validating' || job.attempts.length !== attempt) {
    if (isTerminal(job.state)) await finish(ctx, job);
    return job.phase === 'publishing';
  }
  const { task, context } = await outputContext(ctx, job);
  const checks = await runChecks(task, context);
  const failed = checks.filter(({ ok }) => !ok);
  const { job: checked } = await updateJob(ctx, id, (current) => {
    if (current.phase !== 'validating' || current.attempts.length !== attempt) return undefined;
    if (failed.length === 0) return { ...current, phase: 'publishing', checks };
    const { phase: _, ...rest } = current;
    const reason = failed.map(({ file, detail }) => (file === '' ? detail : `${file}: ${detail}`)).join('; ');
    return {
      ...rest,
      state: 'quarantined',
      cause: 'invalid-output',
      reason,
      checks,
      endedAt: ctx.clock.now(),
    };
  });
  ctx.log.info('Output:Validate:Done', {
    job: id,
    run: job.run,
    name: job.name,
    checks: checks.length,
    failed: failed.length,
  });
  if (isTerminal(checked.state)) await finish(ctx, checked);
  return checked.phase === 'publishing';
}

/** What checks and metadata writers are given. Also says which task file the job belongs to. */
export async function outputContext(
  ctx: PipelineContext,
  job: Job,
): Promise<{ task: TaskDefinition; context: OutputContext }> {
  const { task, params } = taskOf(ctx, job);
  const record = await readAttemptRecord(ctx, job.id, job.attempts.length);
  if (!record) throw new Error(`Attempt ${job.attempts.length} of job ${job.id} has no attempt record`);
  const context: OutputContext = {
    job,
    params,
    files: record.files,
    record,
    report: record.report ?? {},
    published: await publishedReceipt(ctx, job),
    read: async (file, start, end) => await readStaged(ctx, file, start, end),
  };
  return { task, context };
}

async function runChecks(task: TaskDefinition, context: OutputContext): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  if (context.record.reportError !== undefined) {
    results.push({
      check: 'report',
      file: '.longshore/report.json',
      ok: false,
      detail: context.record.reportError,
    });
  }
  // It would be published, and then overwritten.
  if (context.files.some(({ name }) => name === RECEIPT))
    results.push({
      check: 'expected',
      file: RECEIPT,
      ok: false,
      detail: 'this is the name of the receipt: the container must give its output another',
    });
  for (const spec of task.outputs) {
    const files = context.files.filter(({ name }) => outputOf(task.outputs, name) === spec);
    results.push(enough(spec, files, context));
    for (const file of files) {
      for (const check of spec.checks) results.push(await check.run(file, context));
    }
  }
  for (const { name } of context.files.filter((file) => !outputOf(task.outputs, file.name))) {
    const patterns = task.outputs.map(({ pattern }) => pattern).join(', ');
    results.push({
      check: 'expected',
      file: name,
      ok: false,
      detail: `no output of this name is expected; the task file names ${patterns}`,
    });
  }
  return results;
}

function enough(spec: OutputSpec<never>, files: StagedFile[], context: OutputContext): CheckResult {
  const least = spec.atLeast(context.params as never);
  const detail = `${files.length} of at least ${least} ${spec.pattern} (${spec.description})`;
  return {
    check: 'present',
    file: '',
    ok: files.length >= least,
    detail: files.length >= least ? detail : `The container wrote ${detail}`,
  };
}
