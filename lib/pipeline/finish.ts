/** The last step of every job: what did not publish is set aside with its reason, then slots and scratch space are freed. */
import { mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { leave } from './admission.ts';
import { quarantineKeys } from './keys.ts';
import { updateJob, writeMarkers } from './ledger.ts';
import { makeReceipt } from './make-receipt.ts';
import type { ReceiptFile } from './receipt.ts';
import { readAttemptRecord } from './staging.ts';
import { stagingKeys } from './attempt-record.ts';

/** Idempotent; `job` is in a terminal state. Returns it with its receipt. */
export async function finish(ctx: PipelineContext, job: Job): Promise<Job> {
  const told = job.receipt === undefined ? await setAside(ctx, job) : job;
  await writeMarkers(ctx, told);
  await clean(ctx, told);
  const { id, run, task, name, state, cause, reason, attempts } = told;
  if (await leave(ctx, id)) await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
  const fields = { job: id, run, task, name, state, attempts: attempts.length };
  ctx.log[state === 'failed' ? 'error' : state === 'published' ? 'info' : 'warn'](
    `Job:End:${capital(state)}`,
    {
      ...fields,
      ...(cause === undefined ? {} : { cause }),
      ...(reason === undefined ? {} : { reason }),
    },
  );
  return told;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

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
    for (const input of job.inputs) {
      const found = await uploads.head(input.key);
      // Changed since: the newer version is a job of its own, and the older bytes exist nowhere any more.
      if (found?.etag !== input.etag) continue;
      await quarantine.copyFrom(uploads, input.key, quarantineKeys.input(job, input.name));
    }
    for (const file of record?.files ?? []) {
      const key = quarantineKeys.output(job, file.name);
      if (await staging.head(file.key)) await quarantine.copyFrom(staging, file.key, key);
      files.push({ name: file.name, key, uri: quarantine.uri(key), bytes: file.bytes, sha256: file.sha256 });
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
      current.receipt === undefined ? { ...current, receipt: uri } : undefined,
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
    await mapLimit(staged, 8, async (key) => await ctx.stores.staging.delete(key));
  }
}
