/** From a message to a job: known by what it is made of, so that a message that comes twice makes one job. */
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkParams } from '../tasks/params.ts';
import type { PipelineContext } from './context.ts';
import { createJob, endingOf, NO_TASK, type Shell } from './create-job.ts';
import type { Job } from './job.ts';
import { isTerminal, paramsText } from './job.ts';
import { keys } from './keys.ts';
import { readJob } from './ledger.ts';
import type { JobMessage, UploadMessage } from './messages.ts';
import { RUN_INPUTS } from './messages.ts';
import { dropRun, inputName, jobId, publicationName } from './names.ts';
import { acceptPart, setOf } from './sets.ts';

/**
 * `undefined`: the message asks for nothing (an older version of a file that came late, a file of `longshore run`), or its file is
 * part of a granule that is not complete.
 */
export async function accept(
  ctx: PipelineContext,
  message: UploadMessage | JobMessage,
): Promise<Job | undefined> {
  return message.kind === 'upload' ? await acceptUpload(ctx, message) : await acceptJob(ctx, message);
}

// --- Dropped files ------------------------------------------------------------------------------------------------

/** The latest version seen of a dropped file. It is written before the job, and tells a repeated event from a new file. */
interface UploadRecord {
  key: string;
  content: string;
  sequence: string;
  job: string;
  run: string;
}

async function acceptUpload(ctx: PipelineContext, message: UploadMessage): Promise<Job | undefined> {
  if (message.key.startsWith(RUN_INPUTS)) return undefined;
  const set = setOf(ctx, message.key);
  return set ? await acceptPart(ctx, set, message) : await acceptFile(ctx, message);
}

async function acceptFile(ctx: PipelineContext, message: UploadMessage): Promise<Job | undefined> {
  const upload = await latestUpload(ctx, message);
  if (!upload) {
    ctx.log.info('Upload:Accept:Stale', { key: message.key, sequence: message.sequence });
    return undefined;
  }
  const slash = message.key.indexOf('/');
  const taskName = slash < 0 ? '' : message.key.slice(0, slash);
  const path = message.key.slice(slash + 1);
  const task = ctx.tasks.get(taskName);
  const ending = endingOf(task, path);
  const shell: Shell = {
    id: upload.job,
    run: upload.run,
    task: taskName || NO_TASK,
    name: publicationName(path.slice(0, path.length - ending.length)),
    params: {},
    inputs: [
      {
        key: message.key,
        name: inputName(message.key, ending),
        bytes: message.bytes,
        etag: message.etag,
        ...(message.sha256 === undefined ? {} : { sha256: message.sha256 }),
      },
    ],
    bytes: message.bytes,
    priority: 0,
    sequence: message.sequence,
  };
  return await createJob(ctx, shell);
}

/**
 * The record of this key, moved on to the message's version; `undefined` when a newer version was seen already. The same
 * content dropped again belongs to the same job, unless that job ended without publishing: dropping again is how a person
 * asks for another try.
 */
async function latestUpload(ctx: PipelineContext, message: UploadMessage): Promise<UploadRecord | undefined> {
  const key = keys.upload(message.key);
  const content = message.sha256 ?? message.etag;
  const task = message.key.includes('/') ? message.key.slice(0, message.key.indexOf('/')) : NO_TASK;
  const fresh: UploadRecord = {
    key: message.key,
    content,
    sequence: message.sequence,
    job: jobId(task, message.key.slice(message.key.indexOf('/') + 1), [content, message.sequence]),
    run: dropRun(ctx.clock.now()),
  };
  for (;;) {
    const seen = await ctx.records.read<UploadRecord>(key);
    if (!seen) {
      if ((await ctx.records.create(key, fresh)) !== undefined) return fresh;
      continue;
    }
    const { value, version } = seen;
    if (message.sequence === value.sequence) return value;
    if (message.sequence < value.sequence) return value.content === content ? value : undefined;
    const same = value.content === content && !(await endedUnpublished(ctx, value.job));
    const next = same ? { ...value, sequence: message.sequence } : fresh;
    if ((await ctx.records.replace(key, next, version)) !== undefined) return next;
  }
}

async function endedUnpublished(ctx: PipelineContext, id: string): Promise<boolean> {
  const job = await readJob(ctx, id);
  return job !== undefined && isTerminal(job.state) && job.state !== 'published';
}

// --- Jobs asked for by name ---------------------------------------------------------------------------------------

async function acceptJob(ctx: PipelineContext, message: JobMessage): Promise<Job> {
  return await createJob(ctx, shellOf(ctx, message));
}

/** Id and name of the job that a message is for, which nothing but the message decides. */
export const identify = (
  ctx: Pick<PipelineContext, 'tasks'>,
  message: JobMessage,
): Pick<Job, 'id' | 'name'> => shellOf(ctx, message);

function shellOf(ctx: Pick<PipelineContext, 'tasks'>, message: JobMessage): Shell {
  const task = ctx.tasks.get(message.task);
  const { input } = message;
  const ending = input ? endingOf(task, input.key) : '';
  const base = input ? inputName(input.key, ending) : '';
  const fileName = base.slice(0, base.length - ending.length);
  const name = input ? publicationName(fileName) : nameByParams(task, message);
  const identity = [
    message.run,
    paramsText(message.params),
    input?.key ?? '',
    input?.sha256 ?? input?.etag ?? '',
  ];
  return {
    id: jobId(message.task, name, identity),
    run: message.run,
    task: message.task,
    name,
    params: message.params,
    inputs: input ? [{ ...input, name: base }] : [],
    bytes: input?.bytes ?? 0,
    priority: message.priority,
    sequence: message.sequence,
    ...(message.source === undefined ? {} : { source: message.source }),
    ...(message.expectedSeconds === undefined ? {} : { expectedSeconds: message.expectedSeconds }),
  };
}

/** A name for jobs that bring no file; a job whose parameters are bad still needs one to be told by. */
function nameByParams(task: TaskDefinition | undefined, message: JobMessage): string {
  const params = task && checkParams(task, message.params);
  if (params?.ok && task?.publishAs) {
    const name = task.publishAs(params.params);
    if (name !== '') return publicationName(name);
  }
  return message.run;
}
