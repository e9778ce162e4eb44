/** A granule of several files, as it comes in the pipeline: each file is dropped, and the job begins when all are there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BadGoldenError } from '../lib/golden/errors.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { handleMessage } from '../lib/pipeline/handle.ts';
import type { Job, Params } from '../lib/pipeline/job.ts';
import { keys } from '../lib/pipeline/keys.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import { dropRun, timeSequence } from '../lib/pipeline/names.ts';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import type { Backend } from './backend.ts';
import { copyIn } from './commands/drop.ts';
import type { Interrupt } from './interrupt.ts';
import { resultOf, type RunResult } from './run-result.ts';
import type { Output } from './streams.ts';
import { waitForJobs } from './wait.ts';

/** The sweep, which sees that a quiet period has passed, comes every ten seconds. */
const SWEEP_SECONDS = 15;
const POLL_MS = 100;

export interface GranuleFile {
  /** Path below the task's uploads folder. */
  name: string;
  path: string;
}

export interface GranuleParts {
  params: Params;
  interrupt: Interrupt;
  out: Output;
}

/** Throws {@link BadGoldenError} when the files do not make a granule. */
export async function runGranule(
  backend: Backend,
  task: TaskDefinition,
  files: GranuleFile[],
  { params, interrupt, out }: GranuleParts,
): Promise<{ ctx: PipelineContext; result: RunResult; job: Job }> {
  const { ctx, pollMs } = backend;
  if (Object.keys(params).length > 0)
    throw new BadGoldenError(`${task.name}: a granule of several files is dropped, and has no params.json`);
  const run = dropRun(ctx.clock.now());
  for (const { name, path } of files) {
    const { key, bytes, etag, sha256 } = await copyIn(ctx, path, `${task.name}/${name}`, out);
    const sequence = timeSequence(ctx.clock.now());
    await handleMessage(ctx, { kind: 'upload', key, bytes, etag, sha256, sequence });
  }
  const driver = await backend.drive(run);
  try {
    const job = await theJob(ctx, run, task, interrupt.signal);
    const { signal } = interrupt;
    await Promise.race([
      driver.failed,
      waitForJobs(ctx, run, [job], { pollMs, signal, each: async () => {} }),
    ]);
    const ended = (await readJob(ctx, job))!;
    return { ctx, result: await resultOf(ctx, ended), job: ended };
  } finally {
    await driver.stop();
  }
}

/** Id of the only job of the run, once the granule is complete. */
async function theJob(
  ctx: PipelineContext,
  run: string,
  { name, granule }: TaskDefinition,
  signal: AbortSignal,
): Promise<string> {
  const until = ctx.clock.now() + ((granule?.quietSeconds ?? 0) + SWEEP_SECONDS) * 1000;
  const prefix = `${keys.run(run)}accepted/`;
  while (ctx.clock.now() < until && !signal.aborted) {
    const found: string[] = [];
    for await (const key of ctx.records.list(prefix)) found.push(key.slice(prefix.length));
    if (found.length > 1)
      throw new BadGoldenError(`${name}: the files of the case are ${found.length} granules, not one`);
    if (found[0] !== undefined) return found[0];
    await sleep(POLL_MS);
  }
  throw new BadGoldenError(
    `${name}: the files of the case do not make a complete granule, by the rule of the task file`,
  );
}
