/** Publishes validated outputs: files, then metadata, the receipt last. */
import { FILES_AT_ONCE, mapLimit } from './concurrency.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import { publishedReceipt } from './fresh.ts';
import { createHash } from 'node:crypto';
import type { Job } from './job.ts';
import { isTerminal } from './job.ts';
import { outputKeys } from './keys.ts';
import { JobMissingError, readJob, updateJob } from './ledger.ts';
import { makeReceipt } from './make-receipt.ts';
import type { Receipt, ReceiptFile } from './receipt.ts';
import { outputContext, type StepOf } from './validate.ts';
import type { OutputContext, TaskDefinition } from '../tasks/define-task.ts';
import { outputOf } from '../tasks/outputs.ts';

/** Idempotent. The job's admission entry still holds its name, so no other job of that name publishes meanwhile. */
export async function publish(ctx: PipelineContext, { job: id, attempt }: StepOf): Promise<void> {
  const job = await readJob(ctx, id);
  if (!job) throw new JobMissingError(id);
  if (isTerminal(job.state)) {
    await finish(ctx, job);
    return;
  }
  if (job.phase !== 'publishing' || job.attempts.length !== attempt) return;

  const previous = await publishedReceipt(ctx, job);
  const ended =
    previous?.job === id
      ? published(ctx, job)
      : isNewer(ctx, previous, job)
        ? superseded(ctx, job, previous)
        : await writeOutputs(ctx, job, previous);
  const { job: final } = await updateJob(ctx, id, (current) =>
    isTerminal(current.state) ? undefined : ended,
  );
  await finish(ctx, final);
}

const published = (ctx: PipelineContext, job: Job): Job => {
  const { phase: _, ...rest } = job;
  return {
    ...rest,
    state: 'published',
    endedAt: ctx.clock.now(),
    receipt: ctx.stores.output.uri(outputKeys.receipt(job)),
  };
};

/** Versions of one file are told apart by their sequence; anything else by when it was accepted. */
function isNewer(ctx: PipelineContext, previous: Receipt | undefined, job: Job): previous is Receipt {
  if (!previous) return false;
  const [input] = job.inputs;
  const sameFile = input !== undefined && previous.inputs[0]?.uri === ctx.stores.uploads.uri(input.key);
  return sameFile ? previous.sequence > job.sequence : Date.parse(previous.acceptedAt) > job.acceptedAt;
}

function superseded(ctx: PipelineContext, job: Job, { job: newer }: Receipt): Job {
  const { phase: _, ...rest } = job;
  const reason = `A newer version was published meanwhile, by job ${newer}`;
  return { ...rest, state: 'cancelled', cause: 'superseded', reason, endedAt: ctx.clock.now() };
}

async function writeOutputs(ctx: PipelineContext, job: Job, previous: Receipt | undefined): Promise<Job> {
  const { output, staging } = ctx.stores;
  const { task, context } = await outputContext(ctx, job);
  const files = await mapLimit(
    context.files,
    FILES_AT_ONCE,
    async ({ name, key: staged, bytes, sha256 }): Promise<ReceiptFile> => {
      const key = outputKeys.file(job, name);
      const contentType = outputOf(task.outputs, name)?.contentType;
      await output.copyFrom(staging, staged, key, contentType === undefined ? {} : { contentType });
      return {
        name,
        key,
        uri: output.uri(key),
        bytes,
        sha256,
        ...(contentType === undefined ? {} : { contentType }),
      };
    },
  );
  files.push(...(await writeMetadata(ctx, job, task, context)));

  const ended = published(ctx, job);
  const receipt = makeReceipt(ctx, ended, { record: context.record, files, checks: job.checks ?? [] });
  await output.put(outputKeys.receipt(job), `${JSON.stringify(receipt, null, 2)}\n`, {
    contentType: 'application/json',
  });
  await removeObsolete(ctx, previous, files);
  return ended;
}

async function writeMetadata(
  ctx: PipelineContext,
  job: Job,
  task: TaskDefinition,
  context: OutputContext,
): Promise<ReceiptFile[]> {
  const { output } = ctx.stores;
  const written: ReceiptFile[] = [];
  for (const writer of task.metadata) {
    for (const { name, contentType, body } of await writer(context)) {
      const key = outputKeys.file(job, name);
      await output.put(key, body, { contentType });
      const sha256 = createHash('sha256').update(body).digest('hex');
      written.push({ name, key, uri: output.uri(key), bytes: Buffer.byteLength(body), sha256, contentType });
    }
  }
  return written;
}

/** Files that the previous version had and this one has not: no reader of the new receipt looks for them. */
async function removeObsolete(
  ctx: PipelineContext,
  previous: Receipt | undefined,
  files: ReceiptFile[],
): Promise<void> {
  const kept = new Set(files.map(({ key }) => key));
  const obsolete = (previous?.files ?? []).filter(({ key }) => !kept.has(key));
  await mapLimit(obsolete, FILES_AT_ONCE, async ({ key }) => await ctx.stores.output.delete(key));
}
