/** Gathers the receipt from the job, the attempt record and the checks. */
import packageJson from '../../package.json' with { type: 'json' };
import type { CheckResult } from '../tasks/define-task.ts';
import type { AttemptRecord } from './attempt-record.ts';
import type { PipelineContext } from './context.ts';
import type { Job } from './job.ts';
import { isTerminal } from './job.ts';
import type { Receipt, ReceiptFile } from './receipt.ts';

export interface ReceiptParts {
  record: AttemptRecord | undefined;
  files: ReceiptFile[];
  checks: CheckResult[];
}

export function makeReceipt(
  ctx: Pick<PipelineContext, 'stores' | 'clock'>,
  job: Job,
  { record, files, checks }: ReceiptParts,
): Receipt {
  if (!isTerminal(job.state))
    throw new Error(`Job ${job.id} is ${job.state}: a receipt tells how a job ended`);
  const peaks = job.attempts.map(({ peakMemoryBytes }) => peakMemoryBytes ?? 0);
  const imageDigest = record?.imageDigest;
  return {
    receiptVersion: 1,
    job: job.id,
    run: job.run,
    task: job.task,
    name: job.name,
    state: job.state,
    ...(job.cause === undefined ? {} : { cause: job.cause }),
    ...(job.reason === undefined ? {} : { reason: job.reason }),
    params: job.params,
    ...(job.paramsAsked === undefined ? {} : { paramsAsked: job.paramsAsked }),
    inputs: job.inputs.map((input) => inputOf(ctx, input, record)),
    sources: sourcesOf(job, record),
    ...(imageDigest === undefined ? {} : { imageDigest }),
    attempts: job.attempts,
    checks,
    files: files.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ...(record?.report === undefined ? {} : { report: record.report }),
    ...(record?.reportError === undefined ? {} : { reportError: record.reportError }),
    acceptedAt: new Date(job.acceptedAt).toISOString(),
    endedAt: new Date(job.endedAt ?? ctx.clock.now()).toISOString(),
    seconds: round(
      job.attempts.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
      3,
    ),
    costUsd: round(
      job.attempts.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0),
      // A small job's share of a container's minute is some millionths of a dollar.
      9,
    ),
    ...(Math.max(0, ...peaks) > 0 ? { peakMemoryBytes: Math.max(...peaks) } : {}),
    sequence: job.sequence,
    longshoreVersion: packageJson.version,
  };
}

function inputOf(
  ctx: Pick<PipelineContext, 'stores'>,
  input: Job['inputs'][number],
  record: AttemptRecord | undefined,
): Receipt['inputs'][number] {
  const sha256 = record?.inputs.find(({ name }) => name === input.name)?.sha256 ?? input.sha256;
  return {
    uri: ctx.stores.uploads.uri(input.key),
    bytes: input.bytes,
    etag: input.etag,
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

/** What the container says it fetched, joined with what the server said before the launch. */
function sourcesOf(job: Job, record: AttemptRecord | undefined): Receipt['sources'] {
  const reported = record?.report?.sources ?? [];
  const { source } = job;
  if (!source) return reported;
  const joined = reported.map((one) => (one.uri === source.uri ? { ...source, ...one } : one));
  return reported.some(({ uri }) => uri === source.uri) ? joined : [source, ...joined];
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
