/** One job by hand: accepted at once, and waited for if asked to. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { accept } from '../pipeline/accept.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { isTerminal, type Job } from '../pipeline/job.ts';
import { outputKeys } from '../pipeline/keys.ts';
import { JobMissingError, readJob } from '../pipeline/ledger.ts';
import { JobMessage } from '../pipeline/messages.ts';
import { newRun, timeSequence } from '../pipeline/names.ts';
import type { Receipt } from '../pipeline/receipt.ts';
import { RUN_NAME, RUN_NAME_RULE } from '../rebuild/run-name.ts';

/** `{"task": "osm-mapsforge", "params": {"area": "europe/monaco"}}` */
export const RunRequest = z.strictObject({
  task: z.string().min(1),
  params: JobMessage.shape.params.default({}),
  /** Key of a file in the uploads bucket. */
  input: z.string().min(1).exactOptional(),
  /** Name of the run; one of its own without it. */
  run: z.string().regex(RUN_NAME, `must be ${RUN_NAME_RULE}`).exactOptional(),
  /** Answer when the job has ended, or shortly before the function's time is over. */
  wait: z.boolean().default(false),
});
export type RunRequest = z.output<typeof RunRequest>;

/** The request is not as it must be: every fault, and an example. */
export class BadRequestError extends Error {
  override name = 'BadRequestError';
}

export function parseRequest(event: unknown): RunRequest {
  const request = RunRequest.safeParse(event);
  if (request.success) return request.data;
  const faults = request.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'request'}: ${message}`,
  );
  const example = '{"task":"osm-mapsforge","params":{"area":"europe/monaco"},"wait":true}';
  throw new BadRequestError(`${faults.join('; ')}. A request looks like ${example}`);
}

/** The same fields as `longshore run --json`; those of the end are absent while the job goes on. */
export interface RunAnswer {
  job: string;
  run: string;
  state: Job['state'];
  reason?: string;
  outputs?: { uri: string; bytes: number; sha256: string }[];
  receipt?: string;
  attempts: number;
  seconds?: number;
  costUsd?: number;
}

export async function runOne(
  ctx: PipelineContext,
  request: RunRequest,
  { remainingMs }: { remainingMs: () => number },
): Promise<RunAnswer> {
  const accepted = await acceptOne(ctx, request);
  await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
  const job = request.wait ? await ended(ctx, accepted, remainingMs) : accepted;
  return await answer(ctx, job);
}

async function acceptOne(ctx: PipelineContext, { task, params, input, run }: RunRequest): Promise<Job> {
  const now = ctx.clock.now();
  const file = input === undefined ? undefined : await ctx.stores.uploads.head(input);
  if (input !== undefined && file === undefined) {
    throw new BadRequestError(`There is no file ${ctx.stores.uploads.uri(input)}`);
  }
  const job = await accept(ctx, {
    kind: 'job',
    run: run ?? newRun(now, randomUUID()),
    task,
    params,
    ...(file ? { input: { key: file.key, bytes: file.bytes, etag: file.etag } } : {}),
    priority: 0,
    sequence: timeSequence(now),
  });
  if (!job) throw new Error(`The job of ${task} was not accepted`);
  return job;
}

const POLL_MS = 2000;
/** What is left for reading the receipt and answering. */
const ANSWER_MS = 5000;

async function ended(ctx: PipelineContext, accepted: Job, remainingMs: () => number): Promise<Job> {
  let job = accepted;
  while (!hasEnded(job) && remainingMs() > ANSWER_MS + POLL_MS) {
    await ctx.clock.sleep(POLL_MS);
    const current = await readJob(ctx, job.id);
    if (!current) throw new JobMissingError(job.id);
    job = current;
  }
  return job;
}

/** The receipt comes last. */
const hasEnded = (job: Job): boolean => isTerminal(job.state) && job.receipt !== undefined;

async function answer(ctx: PipelineContext, job: Job): Promise<RunAnswer> {
  const { id, run, state, reason, attempts } = job;
  const base: RunAnswer = {
    job: id,
    run,
    state,
    attempts: attempts.length,
    ...(reason === undefined ? {} : { reason }),
    ...(job.receipt === undefined ? {} : { receipt: job.receipt }),
  };
  if (state !== 'published') return base;
  const { files, seconds, costUsd } = JSON.parse(
    await text(await ctx.stores.output.get(outputKeys.receipt(job))),
  ) as Receipt;
  const outputs = files.map(({ uri, bytes, sha256 }) => ({ uri, bytes, sha256 }));
  return { ...base, outputs, seconds, costUsd };
}
