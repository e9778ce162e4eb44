/** After main, whatever its end was: what it left behind goes to the staging store, and the attempt record last. */
import { constants } from 'node:fs';
import { chmod, lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import {
  AttemptRecord,
  ExitRecord,
  Report,
  stagingKeys,
  type StagedFile,
} from '../pipeline/attempt-record.ts';
import type { ObjectStore } from '../ports.ts';
import { removeTree } from '../local/durable.ts';
import { hasCode, messageOf } from '../local/errors.ts';
import { readIfThere } from '../local/read-if-there.ts';
import { attemptLayout, HIDDEN_OUTPUT, StageInRecord, type AttemptLayout } from './layout.ts';
import { sha256File } from './sha256.ts';
import { stampOf } from './stage-in.ts';

export interface StageOutOptions {
  /** The attempt's folder. */
  dir: string;
  staging: ObjectStore;
  job: string;
  attempt: number;
  /** `sha256:…` */
  imageDigest?: string;
}

/** A report is facts, not data; of the thousand files that a granule may have (4 kB each) they are some. */
const MAX_REPORT_BYTES = 8 * 1024 * 1024;
/** S3's limit on a key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024;

/**
 * Idempotent: a record that is there already is returned as it is. Throws only for trouble on our side (the store); what is
 * wrong with the outputs is told in the record.
 */
export async function stageOut(options: StageOutOptions): Promise<AttemptRecord> {
  const { dir, staging, job, attempt, imageDigest } = options;
  const recordKey = stagingKeys.record(job, attempt);
  if (await staging.head(recordKey)) {
    return AttemptRecord.parse(JSON.parse(await text(await staging.get(recordKey))));
  }
  const paths = attemptLayout(dir);
  const exit = exitOf(await readJson(paths.exit, ExitRecord), await readJson(paths.fetch.exit, ExitRecord));
  const before = await readJson(paths.stageIn, StageInRecord);
  const begunAt = await readJson(paths.begun, z.number());
  const record: AttemptRecord = {
    job,
    attempt,
    inputs: [],
    files: [],
    ...(begunAt === undefined ? {} : { begunAt }),
    ...(exit === undefined ? {} : { exit }),
    ...(imageDigest === undefined ? {} : { imageDigest }),
  };
  if (before && 'cause' in before) {
    record.stageIn = before;
  } else if (before) {
    record.inputs = before.inputs.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
    const changed = await changedInput(paths, before.inputs);
    if (changed !== undefined) record.stageIn = { cause: 'input-changed', reason: changed };
  }
  Object.assign(record, await readReport(paths));
  // Main has ended. After a full disk this makes the room that the record needs.
  await removeTree(paths.tmp);
  if (exit?.exitCode !== 0 || record.stageIn) {
    // An attempt that failed has nothing to publish: half-written outputs are not worth their upload.
    await removeTree(paths.output);
  } else {
    try {
      const found = await outputs(paths.output);
      record.files = await keep(found, options);
    } catch (error) {
      if (!(error instanceof BadOutputError)) throw error;
      record.stageOut = { reason: error.message };
    }
  }
  if (await isFile(paths.log)) await staging.upload(paths.log, stagingKeys.log(job, attempt));
  await staging.put(recordKey, `${JSON.stringify(record, null, 2)}\n`, { contentType: 'application/json' });
  return record;
}

/** Of both steps as of one. The command did not start when fetching failed: then that is its end. */
function exitOf(main: ExitRecord | undefined, fetch: ExitRecord | undefined): ExitRecord | undefined {
  if (main) return fetch ? { ...main, startedAt: fetch.startedAt } : main;
  return fetch?.exitCode === 0 ? undefined : fetch;
}

/** An output that cannot be published, and why. */
class BadOutputError extends Error {
  override name = 'BadOutputError';
}

interface Output {
  /** Below the output folder, `/`-separated. */
  name: string;
  path: string;
}

/** All files below the output folder, in name order. A link may point to another output, and nowhere else. */
async function outputs(folder: string): Promise<Output[]> {
  if (!(await lstat(folder)).isDirectory()) {
    throw new BadOutputError('The output folder was replaced by something else');
  }
  const root = await realpath(folder);
  const found: Output[] = [];
  const walk = async (below: string): Promise<void> => {
    const path = join(folder, below);
    await openUp(path, 0o700);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const name = `${below}${entry.name}`;
      if (name === HIDDEN_OUTPUT) continue;
      if (entry.isDirectory()) {
        await walk(`${name}/`);
      } else if (entry.isFile()) {
        found.push({ name, path: join(folder, name) });
      } else if (entry.isSymbolicLink()) {
        found.push({ name, path: await linked(root, join(folder, name), name) });
      } else {
        throw new BadOutputError(`The output ${name} is not a file (a pipe, a socket or a device)`);
      }
    }
  };
  await walk('');
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What main closed is opened to its owner: on one machine that is us, who need not be root. */
async function openUp(path: string, bits: number): Promise<void> {
  const { mode } = await lstat(path);
  if ((mode & bits) === bits) return;
  try {
    await chmod(path, (mode & 0o7777) | bits);
  } catch (error) {
    throw new BadOutputError(`The output ${path} is closed to us: ${messageOf(error)}`);
  }
}

async function linked(root: string, path: string, name: string): Promise<string> {
  const target = await realpath(path).catch(() => undefined);
  if (target === undefined)
    throw new BadOutputError(`The output ${name} is a link to something that is not there`);
  if (!target.startsWith(root + sep)) {
    throw new BadOutputError(
      `The output ${name} is a link that leads out of the output folder, to ${target}`,
    );
  }
  if (!(await isFile(target)))
    throw new BadOutputError(`The output ${name} is a link to something that is not a file`);
  return target;
}

/** One at a time: hashing and uploading one file keeps a small container busy, and S3 uploads its parts in parallel. */
async function keep(found: Output[], { staging, job, attempt }: StageOutOptions): Promise<StagedFile[]> {
  const files: StagedFile[] = [];
  for (const { name, path } of found) {
    const key = stagingKeys.output(job, attempt, name);
    if (name.includes('\u{fffd}') || Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new BadOutputError(
        `The output name ${JSON.stringify(name)} is not UTF-8, or is too long for a bucket`,
      );
    }
    await openUp(path, 0o400);
    const sha256 = await sha256File(path);
    const { bytes } = await staging.upload(path, key);
    files.push({ name, key, bytes, sha256 });
  }
  return files;
}

/** Inputs are hard links where that is possible: whoever rewrote the original in place wrote into this job's input. */
async function changedInput(
  paths: AttemptLayout,
  inputs: { name: string; stamp: string }[],
): Promise<string | undefined> {
  for (const { name, stamp } of inputs) {
    const stats = await stat(join(paths.input, name), { bigint: true }).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (stats && stampOf(stats) !== stamp) {
      return `The input ${name} was written to while the job was running. The newer file is a job of its own`;
    }
  }
  return undefined;
}

const bad = (why: string) => ({ reportError: `${HIDDEN_OUTPUT}/report.json ${why}` });

async function readReport(paths: AttemptLayout): Promise<{ report?: Report; reportError?: string }> {
  let handle;
  try {
    // NOFOLLOW and NONBLOCK: a link would let it read any file of ours, a pipe would never answer.
    handle = await open(paths.report, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return hasCode(error, 'ENOENT', 'ENOTDIR') ? {} : bad(`could not be read: ${messageOf(error)}`);
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return bad('is not a file');
    if (stats.size > MAX_REPORT_BYTES)
      return bad(`has ${stats.size} bytes; ${MAX_REPORT_BYTES} is the limit`);
    const parsed = Report.safeParse(JSON.parse(await handle.readFile('utf8')));
    if (parsed.success) return { report: parsed.data };
    const [issue] = parsed.error.issues;
    return bad(`does not have the shape of a report: ${issue?.path.join('.')}: ${issue?.message}`);
  } catch (error) {
    return bad(`is not JSON: ${messageOf(error)}`);
  } finally {
    await handle.close();
  }
}

/**
 * Files of our own making, written in one step. Main could write to them too; what is not ours counts as absent, and so as
 * an attempt that ended without a word.
 */
async function readJson<T>(path: string, schema: { parse(value: unknown): T }): Promise<T | undefined> {
  const body = await readIfThere(path);
  if (body === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
