/** Runs one case of a task's golden data as any job is run: the same runner, mounts, limits and checks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readCases, type GoldenCase } from '../lib/golden/cases.ts';
import { compareOutputs, type FileDifferences } from '../lib/golden/compare/outputs.ts';
import { fetchGolden, type RemoteFile } from '../lib/golden/source.ts';
import { updateGolden, type Updated } from '../lib/golden/update.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { publishedReceipt } from '../lib/pipeline/fresh.ts';
import type { Job } from '../lib/pipeline/job.ts';
import { readJob } from '../lib/pipeline/ledger.ts';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { runRequest } from './commands/run.ts';
import { engineEnvFile } from './engine-env.mjs';
import { runGranule, type GranuleFile } from './golden-granule.ts';
import type { Interrupt } from './interrupt.ts';
import { openLocal } from './local-backend.ts';
import { LogTail } from './log-tail.ts';
import { logText } from './log-text.ts';
import { noteLog } from './note-log.ts';
import type { RunResult } from './run-result.ts';
import type { Output } from './streams.ts';
import { TASKS_FOLDER } from './tasks-folder.ts';

/** Of a container that failed, so many lines of its log are shown. */
const LOG_LINES = 20;

export interface CaseResult {
  task: string;
  case: string;
  ok: boolean;
  /** As `longshore run` tells it. */
  job: RunResult;
  /** Outputs that were compared. */
  files: number;
  differences: FileDifferences[];
  /** The end of the container's log, when it failed. */
  log?: string[];
  /** With `update`. */
  updated?: Updated;
  /** The home that it ran in, when it is kept. */
  home?: string;
}

export interface CaseOptions {
  update: boolean;
  keep: boolean;
  interrupt: Interrupt;
}

export const dataFolder = (task: TaskDefinition): string => join(TASKS_FOLDER, task.name, 'data');

export const casesOf = async (task: TaskDefinition): Promise<GoldenCase[]> =>
  await readCases(dataFolder(task), { several: task.granule !== undefined });

export async function runCase(
  task: TaskDefinition,
  golden: GoldenCase,
  { update, keep, interrupt }: CaseOptions,
  out: Output,
): Promise<CaseResult> {
  const home = await mkdtemp(join(tmpdir(), `longshore-test-${task.name}-`));
  try {
    const { ctx, result, job } = await runJob(forTest(task, golden), golden, home, interrupt, out);
    const about = { task: task.name, case: golden.name, job: result, ...(keep ? { home } : {}) };
    if (result.state !== 'published')
      return { ...about, ok: false, files: 0, differences: [], log: await lastLines(ctx, job) };
    const made = await publishedFiles(ctx, job, home);
    const differences = await compareOutputs(golden, { made, fetch: fetchFile });
    const compared = { ...about, files: made.size, differences };
    if (!update) return { ...compared, ok: differences.length === 0 };
    const changed = new Set(differences.map(({ file }) => file));
    const updated = await updateGolden(golden, made, changed);
    return { ...compared, ok: updated.remote.length === 0, differences: [], updated };
  } finally {
    if (!keep) await rm(home, { recursive: true, force: true });
  }
}

const fetchFile = async (file: RemoteFile): Promise<string> =>
  await fetchGolden(file, dirname(engineEnvFile(process.env)));

/**
 * One attempt: a fault is to be seen, not to be tried again. What the metadata writers make has the time in it, and is left
 * out unless the rules ask for it.
 */
const forTest = (task: TaskDefinition, { compare }: GoldenCase): TaskDefinition => ({
  ...task,
  attempts: 1,
  metadata: compare.metadata === true ? task.metadata : [],
});

async function runJob(
  task: TaskDefinition,
  { params, inputs }: GoldenCase,
  home: string,
  interrupt: Interrupt,
  out: Output,
): Promise<{ ctx: PipelineContext; result: RunResult; job: Job }> {
  // How the job ended is told with what differs, in one place.
  const backend = await openLocal(home, noteLog(out), out, new Map([[task.name, task]]));
  // The line of a terminal shows how far it is; a line now and then would stand between the results.
  const live: Output = { ...out, note: () => {} };
  const files: GranuleFile[] = [];
  for (const input of inputs)
    files.push({ name: input.name, path: input.kind === 'file' ? input.path : await fetchFile(input.file) });
  if (files.length > 1) return await runGranule(backend, task, files, { params, interrupt, out: live });
  const file = files[0] === undefined ? {} : { file: files[0].path };
  const request = { run: 'test', jobs: [{ task: task.name, params, priority: 0 }], ...file };
  const { results } = await runRequest(backend, request, { wait: true, out: live, interrupt });
  const result = results[0]!;
  return { ctx: backend.ctx, result, job: (await readJob(backend.ctx, result.job))! };
}

async function publishedFiles(ctx: PipelineContext, job: Job, home: string): Promise<Map<string, string>> {
  const receipt = await publishedReceipt(ctx, job);
  return new Map((receipt?.files ?? []).map(({ name, key }) => [name, join(home, 'output', key)]));
}

async function lastLines(ctx: PipelineContext, job: Job): Promise<string[]> {
  const lines: string[] = [];
  if (job.attempts.length === 0) return lines;
  for await (const line of new LogTail(ctx, job, job.attempts.length).lines()) {
    lines.push(logText(line));
    if (lines.length > LOG_LINES) lines.shift();
  }
  return lines;
}
