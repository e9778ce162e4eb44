/** Before main: its inputs, checked, in its input folder. */
import { copyFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectMissingError, type ObjectStore, type StagedInput } from '../ports.ts';
import { isDiskFull, messageOf } from '../local/errors.ts';
import { removeFile, tempBeside, writeFileDurably } from '../local/durable.ts';
import { prepareFetch } from './fetch.ts';
import { attemptLayout, makeLayout, type StageInRecord } from './layout.ts';
import { hashFile, sha256File } from './sha256.ts';

export type StageInCause = 'input-changed' | 'input-missing' | 'bad-input' | 'disk-full' | 'failed';

export class StageInError extends Error {
  override name = 'StageInError';
  readonly why: StageInCause;
  constructor(why: StageInCause, message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

export interface StageInOptions {
  inputs: StagedInput[];
  uploads: ObjectStore;
  /** The attempt's folder. */
  dir: string;
  /** Something is to be fetched before the command. */
  fetch?: true;
  runScript?: string;
  anyUser?: boolean;
}

export type StagedInputs = Extract<StageInRecord, { inputs: unknown }>['inputs'];

/** Idempotent. Throws {@link StageInError}, after it was written down for stage-out. */
export async function stageIn(options: StageInOptions): Promise<StagedInputs> {
  const { inputs, uploads, dir } = options;
  const paths = attemptLayout(dir);
  try {
    await makeLayout(dir, options);
    if (options.fetch) await prepareFetch(paths, options);
    const staged: StagedInputs = [];
    for (const input of inputs) staged.push(await bring(uploads, input, join(paths.input, input.name)));
    await writeFileDurably(paths.stageIn, `${JSON.stringify({ inputs: staged } satisfies StageInRecord)}\n`);
    return staged;
  } catch (error) {
    const failure = asStageInError(error, dir);
    const record: StageInRecord = { cause: failure.why, reason: failure.message };
    // On a full disk not even this may fit; the error itself still says it.
    await writeFileDurably(paths.stageIn, `${JSON.stringify(record)}\n`).catch((second: unknown) => {
      if (!isDiskFull(second)) throw second;
    });
    throw failure;
  }
}

/** Looked at before and after: on S3 another version may come between the question and the bytes. */
async function bring(uploads: ObjectStore, input: StagedInput, path: string): Promise<StagedInputs[number]> {
  await check(uploads, input);
  try {
    await uploads.download(input.key, path);
  } catch (error) {
    if (error instanceof ObjectMissingError) throw missing(uploads, input, error);
    throw error;
  }
  await check(uploads, input);
  const stats = await readable(path);
  const sha256 = await sha256File(path);
  if (input.sha256 !== undefined && input.sha256 !== sha256) {
    throw changed(uploads, input, `its SHA-256 is ${sha256}, and was ${input.sha256}`);
  }
  await compare(input, path, sha256);
  return { name: input.name, bytes: Number(stats.size), sha256, stamp: stampOf(stats) };
}

/** With what the granule's manifest says of it. */
async function compare({ name, declared }: StagedInput, path: string, sha256: string): Promise<void> {
  if (!declared) return;
  const md5 = declared.md5 === undefined ? undefined : await hashFile(path, 'md5');
  for (const [kind, wanted, found] of [
    ['MD5', declared.md5, md5],
    ['SHA-256', declared.sha256, sha256],
  ] as const) {
    if (wanted === undefined || wanted === found) continue;
    throw new StageInError(
      'bad-input',
      `${name} is not the file that ${declared.by} lists: its ${kind} is ${found}, and should be ${wanted}`,
    );
  }
}

async function check(uploads: ObjectStore, input: StagedInput): Promise<void> {
  const found = await uploads.head(input.key);
  if (!found) throw missing(uploads, input);
  if (found.bytes !== input.bytes) {
    throw changed(uploads, input, `it has ${found.bytes} bytes, and had ${input.bytes}`);
  }
  // Dropped again with the same content, a local file has another ETag: where it can be, the content itself is compared.
  if (input.sha256 === undefined && found.etag !== input.etag) {
    throw changed(uploads, input, `its ETag is ${found.etag}, and was ${input.etag}`);
  }
}

const missing = (uploads: ObjectStore, input: StagedInput, cause?: unknown): StageInError =>
  new StageInError(
    'input-missing',
    `The input ${uploads.uri(input.key)} is gone: it was removed after it was accepted. Drop it again`,
    { cause },
  );

const changed = (uploads: ObjectStore, input: StagedInput, how: string): StageInError =>
  new StageInError(
    'input-changed',
    `The input ${uploads.uri(input.key)} is not the file that was accepted: ${how}. The newer file is a job of its own`,
  );

function asStageInError(error: unknown, dir: string): StageInError {
  if (error instanceof StageInError) return error;
  if (isDiskFull(error)) {
    return new StageInError('disk-full', `The disk is full: the inputs do not fit into ${dir}`, {
      cause: error,
    });
  }
  return new StageInError('failed', `The inputs could not be brought to ${dir}: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Changes when a file is written to in place: size and time. */
export const stampOf = (stats: { size: bigint; mtimeNs: bigint }): string =>
  `${stats.size.toString(16)}-${stats.mtimeNs.toString(16)}`;

/**
 * As root we may link and read a file that main, root without capabilities, may not: another user's private one. Then it
 * gets a copy that is root's own.
 */
async function readable(path: string) {
  const stats = await stat(path, { bigint: true });
  if (process.getuid?.() !== 0 || stats.uid === 0n || (stats.mode & 0o004n) !== 0n) return stats;
  const temp = tempBeside(path);
  try {
    await copyFile(path, temp);
    await rename(temp, path);
  } finally {
    await removeFile(temp);
  }
  return await stat(path, { bigint: true });
}
