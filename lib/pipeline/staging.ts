/** Reading what stage-out left behind. */
import { buffer, text } from 'node:stream/consumers';
import { AttemptRecord, stagingKeys, type StagedFile } from './attempt-record.ts';
import type { PipelineContext } from './context.ts';

type Staging = Pick<PipelineContext, 'stores'>;

export async function readAttemptRecord(
  { stores }: Staging,
  job: string,
  attempt: number,
): Promise<AttemptRecord | undefined> {
  const key = stagingKeys.record(job, attempt);
  if (!(await stores.staging.head(key))) return undefined;
  return AttemptRecord.parse(JSON.parse(await text(await stores.staging.get(key))));
}

/** Bytes `start`…`end` (inclusive) of a staged output. */
export async function readStaged(
  { stores }: Staging,
  file: StagedFile,
  start: number,
  end: number,
): Promise<Buffer> {
  if (start >= file.bytes) return Buffer.alloc(0);
  return await buffer(await stores.staging.get(file.key, { start, end: Math.min(end, file.bytes - 1) }));
}
