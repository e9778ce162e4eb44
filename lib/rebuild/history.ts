/** What earlier runs have left: the receipts by which times and sizes are known. */
import { mapLimit } from '../pipeline/concurrency.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { publishedReceipt } from '../pipeline/fresh.ts';
import type { Receipt } from '../pipeline/receipt.ts';

const READS_AT_ONCE = 16;
/** Enough for a median; a task that took in a million files has more receipts than anybody wants to read. */
const MOST_RECEIPTS = 200;
const MOST_KEYS = 5000;

type Stores = Pick<PipelineContext, 'stores'>;

export async function receiptsOf(
  ctx: Stores,
  jobs: { task: string; name: string }[],
): Promise<(Receipt | undefined)[]> {
  return await mapLimit(jobs, READS_AT_ONCE, async (job) => await publishedReceipt(ctx, job));
}

/** Some of a task's published receipts, in key order. */
export async function someReceipts(ctx: Stores, task: string): Promise<Receipt[]> {
  const names: string[] = [];
  const prefix = `${task}/`;
  let looked = 0;
  for await (const { key } of ctx.stores.output.list(prefix)) {
    looked += 1;
    if (key.endsWith('/receipt.json')) names.push(key.slice(prefix.length, -'/receipt.json'.length));
    if (names.length === MOST_RECEIPTS || looked === MOST_KEYS) break;
  }
  const receipts = await receiptsOf(
    ctx,
    names.map((name) => ({ task, name })),
  );
  return receipts.filter((receipt) => receipt !== undefined);
}
