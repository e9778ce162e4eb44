/** From a message to a job: known by what it is made of, so that a message that comes twice makes one job. */
import { smallerOf } from '../tasks/sizes.ts';
import { checkParams } from '../tasks/params.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { UnknownSourceError } from '../tasks/define-task.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import { freshness, publishedReceipt } from './fresh.ts';
import type { Cause, Job, Params, Source } from './job.ts';
import { isTerminal, paramsText } from './job.ts';
import { keys, outputKeys } from './keys.ts';
import { readJob, markWaiting } from './ledger.ts';
import type { JobMessage, UploadMessage } from './messages.ts';
import { RUN_INPUTS } from './messages.ts';
import { dropRun, inputName, jobId, publicationName } from './names.ts';
import type { Receipt } from './receipt.ts';
import { startingSize } from './starting-size.ts';

/** What a job is refused for before any container starts. */
class RefusedError extends Error {
  readonly end: Cause;
  constructor(end: Cause, message: string) {
    super(message);
    this.end = end;
  }
}

/** Stands for the task of a file that lies in no task's folder. */
const NO_TASK = 'unknown';

/** `undefined`: the message asks for nothing (an older version of a file that came late, a file of `longshore run`). */
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
  return await create(ctx, shell);
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
  return await create(ctx, shellOf(ctx, message));
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

// --- Both ---------------------------------------------------------------------------------------------------------

type Shell = Pick<
  Job,
  | 'id'
  | 'run'
  | 'task'
  | 'name'
  | 'params'
  | 'inputs'
  | 'bytes'
  | 'priority'
  | 'sequence'
  | 'source'
  | 'expectedSeconds'
>;

function checked(
  task: TaskDefinition,
  params: Job['params'],
): { given: Params; params: Record<string, unknown> } {
  const result = checkParams(task, params);
  if (!result.ok) throw new RefusedError('bad-parameter', result.faults.join('; '));
  return result;
}

/** Creates the job once, waiting; or ended already: refused with the reason, or fresh and so not made again. */
async function create(ctx: PipelineContext, shell: Shell): Promise<Job> {
  const existing = await readJob(ctx, shell.id);
  if (existing) return await again(ctx, existing);

  const now = ctx.clock.now();
  const size = { vcpu: 0, memoryMiB: 0, diskGiB: 0 };
  let job: Job = {
    ...shell,
    state: 'waiting',
    size,
    spot: false,
    attempts: [],
    acceptedAt: now,
    updatedAt: now,
    limits: [],
  };
  job = await orRefused(job, now, async () => await plan(ctx, job));

  await ctx.records.create(keys.accepted(job), {});
  if (job.state === 'waiting') await markWaiting(ctx, job);
  if ((await ctx.records.create(keys.job(job.id), job)) === undefined) {
    const first = await readJob(ctx, job.id);
    return first ? await again(ctx, first) : job;
  }
  const { id, run, task, name, bytes, state, reason } = job;
  ctx.log.info('Job:Accept:Done', {
    job: id,
    run,
    task,
    name,
    bytes,
    state,
    ...(reason === undefined ? {} : { reason }),
  });
  return isTerminal(job.state) ? await finish(ctx, job) : job;
}

async function orRefused(job: Job, now: number, work: () => Promise<Job>): Promise<Job> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { ...job, state: 'quarantined', cause: error.end, reason: error.message, endedAt: now };
  }
}

/** An ended job as it would wait today: its source looked at again, its size by today's task file; or refused. */
export async function replan(ctx: PipelineContext, ended: Job): Promise<Job> {
  const { source: _, ...rest } = ended;
  const job: Job = { ...rest, state: 'waiting' };
  return await orRefused(job, ctx.clock.now(), async () => (await sized(ctx, job)).planned);
}

/** The message came again: whatever its first delivery did not get to write is written now. */
async function again(ctx: PipelineContext, job: Job): Promise<Job> {
  ctx.log.debug('Job:Accept:Known', { job: job.id, state: job.state });
  await ctx.records.create(keys.accepted(job), {});
  if (job.state === 'waiting') await markWaiting(ctx, job);
  return isTerminal(job.state) && job.receipt === undefined ? await finish(ctx, job) : job;
}

async function plan(ctx: PipelineContext, job: Job): Promise<Job> {
  const { planned, days, receipt } = await sized(ctx, job);
  const reason = freshness(planned, days, receipt, ctx.clock.now());
  if (reason === undefined) return planned;
  return {
    ...planned,
    state: 'published',
    reason,
    receipt: ctx.stores.output.uri(outputKeys.receipt(job)),
    endedAt: ctx.clock.now(),
  };
}

/** With all that the task file says of it. Throws {@link RefusedError}. */
async function sized(
  ctx: PipelineContext,
  job: Job,
): Promise<{ planned: Job; days: number; receipt: Receipt | undefined }> {
  const task = ctx.tasks.get(job.task);
  if (!task) {
    const known = [...ctx.tasks.keys()].join(', ');
    const what =
      job.task === NO_TASK
        ? 'This file was dropped outside any task’s folder'
        : `There is no task "${job.task}"`;
    throw new RefusedError(
      'unknown-task',
      `${what}; drop files below <task>/, where the tasks are: ${known}`,
    );
  }
  const { given, params } = checked(task, job.params);
  checkFile(task, job, params);
  const [input] = job.inputs;
  const source = input ? undefined : (job.source ?? (await lookAt(ctx, task, params, job)));
  const bytes = input ? job.bytes : (source?.bytes ?? 0);
  const receipt = await publishedReceipt(ctx, job);
  const ceiling = smallerOf(task.ceiling, ctx.settings.ceiling);
  const planned: Job = {
    ...job,
    params: given,
    bytes,
    ...(source ? { source } : {}),
    size: startingSize(task, { bytes, given, params, ceiling, receipt }),
    expectedSeconds: job.expectedSeconds ?? task.expectedSeconds({ bytes, params }),
    spot: task.spot && ctx.settings.spotAvailable,
    limits: task.limits?.(params) ?? [],
  };
  return { planned, days: task.freshness?.(params) ?? 0, receipt };
}

/** Whether the job has the file that it needs, none that it cannot use, and one that is what its name says. */
function checkFile(
  task: TaskDefinition,
  { inputs: [input], bytes }: Job,
  params: Record<string, unknown>,
): void {
  const objection = input ? task.refusesFile?.(params) : task.needsFile?.(params);
  if (objection !== undefined) throw new RefusedError('bad-parameter', objection);
  if (!input) return;
  if (endingOf(task, input.key) === '') {
    const takes = task.accepts.map((one) => `*${one}`).join(', ') || 'no files, only parameters';
    throw new RefusedError('bad-input', `${task.name} takes ${takes}; "${input.name}" is none of these`);
  }
  if (bytes === 0) throw new RefusedError('bad-input', `The file "${input.name}" is empty (0 bytes)`);
}

/** The accepted ending that the key has, whatever its case, in the task file's spelling; empty when it has none. */
function endingOf(task: TaskDefinition | undefined, key: string): string {
  return task?.accepts.find((one) => key.toLowerCase().endsWith(one.toLowerCase())) ?? '';
}

/** A source that cannot be looked at now is left to the container, which tries again in its own time. */
async function lookAt(
  ctx: PipelineContext,
  task: TaskDefinition,
  params: Record<string, unknown>,
  job: Job,
): Promise<Source | undefined> {
  try {
    return await task.source?.(params, ctx.fetch);
  } catch (error) {
    if (error instanceof UnknownSourceError) throw new RefusedError('unknown-source', error.message);
    ctx.log.warn('Source:Look:Failed', { job: job.id, reason: String(error) });
    return undefined;
  }
}
