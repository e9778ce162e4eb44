/** How long `status` takes over a folder ledger of so many jobs, in the middle of a simulated run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderRecords } from '../lib/local/folder-records.ts';
import { mapLimit } from '../lib/pipeline/concurrency.ts';
import { status, type Status } from '../lib/pipeline/status.ts';
import type { Stack } from '../lib/simulate/stack.ts';

export interface LedgerStatus {
  records: number;
  /** Wall time on this machine, of each of the repetitions. */
  seconds: number[];
  found: Status;
  /** The same question to the simulated S3: requests, and virtual seconds. */
  onS3: { requests: number; seconds: number };
}

/** Copies the ledger of the stack as it is now to a folder, and asks both. */
export async function measureLedger(stack: Stack, times = 5): Promise<LedgerStatus> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-ledger-'));
  try {
    const records = new FolderRecords(folder);
    const all = [...stack.records.records];
    await mapLimit(all, 64, async ([key, { value }]) => await records.create(key, value));
    const ctx = { ...stack.context('sweep'), records };
    const seconds: number[] = [];
    let found = await status(ctx);
    for (let time = 0; time < times; time += 1) {
      const start = performance.now();
      found = await status(ctx);
      seconds.push((performance.now() - start) / 1000);
    }
    return { records: all.length, seconds, found, onS3: await askS3(stack) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A person asks, while the run goes on. */
async function askS3(stack: Stack): Promise<LedgerStatus['onS3']> {
  const { clock, meter } = stack;
  const start = clock.now();
  const before = requestsOf(meter.counts()['person']);
  let done = false;
  void status(stack.context('person')).then(() => (done = true));
  await clock.run(() => done);
  return { requests: requestsOf(meter.counts()['person']) - before, seconds: (clock.now() - start) / 1000 };
}

const requestsOf = (counts: Record<string, number> = {}): number =>
  Object.values(counts).reduce((sum, one) => sum + one, 0);
