/** A job comes into the ledger: checked, planned, and created once. */
import { smallerOf } from '../tasks/sizes.ts';
import { checkParams } from '../tasks/params.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { UnknownSourceError } from '../tasks/define-task.ts';
import type { PipelineContext } from './context.ts';
import { finish } from './finish.ts';
import { freshness, publishedReceipt } from './fresh.ts';
import type { Cause, Job, Params, Source } from './job.ts';
import { isTerminal } from './job.ts';
import { keys, outputKeys } from './keys.ts';
import { readJob, markWaiting } from './ledger.ts';
import type { Receipt } from './receipt.ts';
import { neededLessMemory, withLessMemory } from './at-ceiling.ts';
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
export const NO_TASK = 'unknown';

/** What a job is before anything was looked at. */
export type Shell = Pick<
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

/**
 * Creates the job once, waiting; or ended already: refused with the reason, or fresh and so not made again. `refusal`: why it is
 * refused whatever it is.
 */
export async function createJob(
  ctx: PipelineContext,
  shell: Shell,
  refusal?: { cause: Cause; reason: string },
): Promise<Job> {
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
  job = await orRefused(job, now, async () => {
    if (refusal) throw new RefusedError(refusal.cause, refusal.reason);
    return await plan(ctx, job);
  });

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
  // Half a granule must not be published because somebody tries a whole run again.
  if (ended.cause === 'incomplete') return ended;
  const { source: _, ...rest } = ended;
  const job: Job = { ...rest, state: 'waiting' };
  return await orRefused(job, ctx.clock.now(), async () => (await sized(ctx, job)).planned);
}

/** The message came again: whatever its first delivery did not get to write is written now. */
async function again(ctx: PipelineContext, job: Job): Promise<Job> {
  ctx.log.debug('Job:Accept:Known', { job: job.id, state: job.state });
  await ctx.records.create(keys.accepted(job), {});
  if (job.state === 'waiting') await markWaiting(ctx, job);
  if (!isTerminal(job.state)) return job;
  const finished = job.receipt !== undefined && (await ctx.records.read(keys.ended(job, job.state)));
  return finished ? job : await finish(ctx, job);
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
  const { given, params: asked } = checked(task, job.paramsAsked ?? job.params);
  checkFile(task, job, asked);
  const [input] = job.inputs;
  const source = input ? undefined : (job.source ?? (await lookAt(ctx, task, asked, job)));
  const bytes = input ? job.bytes : (source?.bytes ?? 0);
  const receipt = await publishedReceipt(ctx, job);
  const ceiling = smallerOf(task.ceiling, ctx.settings.ceiling);
  const { paramsAsked, ...rest } = job;
  const less =
    (paramsAsked ?? neededLessMemory(receipt, given, ceiling)) ? withLessMemory(task, given) : undefined;
  const params = less?.params ?? asked;
  const planned: Job = {
    ...rest,
    params: less?.given ?? given,
    ...(less ? { paramsAsked: given } : {}),
    bytes,
    ...(source ? { source } : {}),
    size: startingSize(task, { bytes, given, params, ceiling, receipt }),
    expectedSeconds: job.expectedSeconds ?? task.expectedSeconds({ bytes, params }),
    spot: task.spot && ctx.settings.spotAvailable,
    limits: task.limits?.(params) ?? [],
  };
  return { planned, days: task.freshness?.(asked) ?? 0, receipt };
}

/**
 * Whether the job has the file that it needs, none that it cannot use, and one that is what its name says. Of several inputs
 * (a granule's) one must be of the task's own; what comes with it may be anything, and empty.
 */
function checkFile(task: TaskDefinition, { inputs }: Job, params: Record<string, unknown>): void {
  const objection = inputs.length > 0 ? task.refusesFile?.(params) : task.needsFile?.(params);
  if (objection !== undefined) throw new RefusedError('bad-parameter', objection);
  if (inputs.length === 0) return;
  const own = inputs.filter(({ key }) => endingOf(task, key) !== '');
  if (own.length === 0) {
    const takes = task.accepts.map((one) => `*${one}`).join(', ') || 'no files, only parameters';
    const names = inputs.map(({ name }) => `"${name}"`).join(', ');
    throw new RefusedError('bad-input', `${task.name} takes ${takes}; ${names} is none of these`);
  }
  const empty = own.find(({ bytes }) => bytes === 0);
  if (empty) throw new RefusedError('bad-input', `The file "${empty.name}" is empty (0 bytes)`);
}

/** The accepted ending that the key has, whatever its case, in the task file's spelling; empty when it has none. */
export function endingOf(task: TaskDefinition | undefined, key: string): string {
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
