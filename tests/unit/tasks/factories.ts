/** Whole, valid values for the tests of lib/tasks; each test changes the one thing that it is about. */
import * as z from 'zod';
import type { OutputContext, TaskDefinition } from '../../../lib/tasks/define-task.ts';
import { BadParamsError, checkParams } from '../../../lib/tasks/params.ts';
import type { Job, Params } from '../../../lib/pipeline/job.ts';
import type { Receipt } from '../../../lib/pipeline/receipt.ts';
import type { StagedFile } from '../../../lib/pipeline/attempt-record.ts';

const copy: TaskDefinition = {
  name: 'copy',
  description: 'Copies its input',
  image: 'longshore/copy',
  command: ['copy'],
  accepts: ['.txt'],
  params: z.object({ level: z.int().default(1).describe('How hard') }),
  size: () => ({ vcpu: 0.25, memoryMiB: 512, diskGiB: 20 }),
  ceiling: { vcpu: 1, memoryMiB: 4096, diskGiB: 20 },
  deadlineSeconds: () => 60,
  expectedSeconds: () => 10,
  attempts: 2,
  spot: true,
  network: false,
  outputs: [
    { pattern: '*.txt', description: 'copy', contentType: 'text/plain', atLeast: () => 1, checks: [] },
  ],
  metadata: [],
};

export const makeTask = (changes: Partial<TaskDefinition> = {}): TaskDefinition => ({ ...copy, ...changes });

/** Parameters as they were given, typed. Throws `BadParamsError` with all faults. */
export function parseParams(task: TaskDefinition, raw: Params): Params {
  const checked = checkParams(task, raw);
  if (!checked.ok) throw new BadParamsError(task.name, checked.faults);
  return checked.given;
}

/** 2026-01-02T03:04:05Z */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

export function makeJob(changes: Partial<Job> = {}): Job {
  return {
    id: 'copy-malta-0123456789',
    run: 'live',
    task: 'copy',
    name: 'europe/malta',
    state: 'running',
    phase: 'validating',
    params: {},
    inputs: [],
    bytes: 1000,
    priority: 0,
    sequence: '01',
    size: { vcpu: 1, memoryMiB: 2048, diskGiB: 20 },
    spot: true,
    attempts: [
      {
        attempt: 1,
        size: { vcpu: 1, memoryMiB: 2048, diskGiB: 20 },
        spot: true,
        claim: 'claim-1',
        claimedAt: NOW - 60_000,
        startedAt: NOW - 50_000,
        endedAt: NOW,
      },
    ],
    acceptedAt: NOW - 70_000,
    updatedAt: NOW,
    limits: [],
    ...changes,
  };
}

export function makeReceipt(changes: Partial<Receipt> = {}): Receipt {
  return {
    receiptVersion: 1,
    job: 'copy-malta-old',
    run: 'live',
    task: 'copy',
    name: 'europe/malta',
    state: 'published',
    params: {},
    inputs: [],
    sources: [],
    attempts: [],
    checks: [],
    files: [],
    acceptedAt: '2025-12-01T00:00:00.000Z',
    endedAt: '2025-12-01T00:01:00.000Z',
    seconds: 60,
    costUsd: 0.001,
    sequence: '00',
    longshoreVersion: '0.0.0',
    ...changes,
  };
}

/** A context whose staged files are the given buffers, read by range as the stores do. */
export function makeOutput(
  contents: Record<string, Buffer | string>,
  changes: Partial<OutputContext> = {},
): OutputContext & { file(name: string): StagedFile } {
  const buffers = new Map(Object.entries(contents).map(([name, content]) => [name, Buffer.from(content)]));
  const files = [...buffers].map(([name, buffer]) => ({
    name,
    key: `job/1/output/${name}`,
    bytes: buffer.length,
    sha256: 'ab'.repeat(32),
  }));
  const job = changes.job ?? makeJob();
  return {
    job,
    params: {},
    files,
    record: { job: job.id, attempt: 1, inputs: [], files },
    report: {},
    published: undefined,
    read: async (file, start, end) => buffers.get(file.name)!.subarray(start, end + 1),
    ...changes,
    file: (name) => files.find((file) => file.name === name)!,
  };
}
