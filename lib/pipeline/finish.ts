/** The last step of every job: what did not publish is set aside with its reason, then slots and scratch space are freed. */
import { FILES_AT_ONCE, mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { isTerminal, type Job } from './job.ts';
import { leaving } from './leaving.ts';
import { quarantineKeys } from './keys.ts';
import { markEnded, updateJob } from './ledger.ts';
import { makeReceipt } from './make-receipt.ts';
import type { ReceiptFile } from './receipt.ts';
import { readAttemptRecord } from './staging.ts';
import { stagingKeys } from './attempt-record.ts';

/** Idempotent. Returns the job with its receipt. Throws when the job has not ended. */
export async function finish(ctx: PipelineContext, job: Job): Promise<Job> {
  const { state } = job;
  if (!isTerminal(state)) throw new Error(`Job ${job.id} is ${state}: it cannot be finished`);
  const told = job.receipt === undefined ? await setAside(ctx, job) : job;
  const first = await markEnded(ctx, { ...told, state });
  // Once: metrics are counted from it. Before what may fail and be done again.
  if (first) logEnd(ctx, told);
  await clean(ctx, told);
  const { length } = told.attempts;
  if (length > 0) await ctx.jobs.send([JSON.stringify({ kind: 'wake', left: [leaving(told, length)] })]);
  return told;
}

const LEVELS = { published: 'info', quarantined: 'warn', cancelled: 'warn', failed: 'error' } as const;

function logEnd(ctx: PipelineContext, { id, run, task, name, state, cause, reason, attempts }: Job): void {
  if (!isTerminal(state)) return;
  const verb = state.charAt(0).toUpperCase() + state.slice(1);
  ctx.log[LEVELS[state]](`Job:End:${verb}`, {
    job: id,
    run,
    task,
    name,
    state,
    attempts: attempts.length,
    ...(cause === undefined ? {} : { cause }),
    ...(reason === undefined ? {} : { reason }),
  });
}

/**
 * Copies what a person needs to understand the end into quarantine, the receipt last. A bad input is copied, never moved:
 * the file under that key may be a newer one by now.
 */
async function setAside(ctx: PipelineContext, job: Job): Promise<Job> {
  const { quarantine, staging, uploads } = ctx.stores;
  const record =
    job.attempts.length > 0 ? await readAttemptRecord(ctx, job.id, job.attempts.length) : undefined;
  const files: ReceiptFile[] = [];
  if (job.state === 'quarantined') {
    await mapLimit(job.inputs, FILES_AT_ONCE, async (input) => {
      const found = await uploads.head(input.key);
      // Changed since: the newer version is a job of its own, and the older bytes exist nowhere any more.
      if (found?.etag !== input.etag) return;
      await quarantine.copyFrom(uploads, input.key, quarantineKeys.input(job, input.name));
    });
    await mapLimit(record?.files ?? [], FILES_AT_ONCE, async (file) => {
      if (await staging.head(file.key))
        await quarantine.copyFrom(staging, file.key, quarantineKeys.output(job, file.name));
    });
    for (const { name, bytes, sha256 } of record?.files ?? []) {
      const key = quarantineKeys.output(job, name);
      files.push({ name, key, uri: quarantine.uri(key), bytes, sha256 });
    }
  }
  if (job.attempts.length > 0) {
    const log = stagingKeys.log(job.id, job.attempts.length);
    if (await staging.head(log))
      await quarantine.copyFrom(staging, log, quarantineKeys.log(job, job.attempts.length));
  }
  const key = quarantineKeys.receipt(job);
  const receipt = makeReceipt(ctx, job, { record, files, checks: job.checks ?? [] });
  await quarantine.put(key, `${JSON.stringify(receipt, null, 2)}\n`, { contentType: 'application/json' });
  const uri = quarantine.uri(key);
  return (
    await updateJob(ctx, job.id, (current) =>
      // Somebody may have it tried again meanwhile: then it is no longer this end.
      current.receipt === undefined && current.endedAt === job.endedAt
        ? { ...current, receipt: uri }
        : undefined,
    )
  ).job;
}

/** Containers and staged outputs; logs and attempt records stay. */
async function clean(ctx: PipelineContext, job: Job): Promise<void> {
  for (const { attempt, ref } of job.attempts) {
    if (ref !== undefined) await ctx.runner.clean(ref);
    const staged: string[] = [];
    for await (const { key } of ctx.stores.staging.list(`${stagingKeys.attempt(job.id, attempt)}/output/`))
      staged.push(key);
    await mapLimit(staged, FILES_AT_ONCE, async (key) => await ctx.stores.staging.delete(key));
  }
}
