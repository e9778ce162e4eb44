/** How long a job will take: by how long it took, else by how long others took, else by the task file's rule. */
import { sameMaking } from '../pipeline/fresh.ts';
import type { Params } from '../pipeline/job.ts';
import type { EstimateBasis } from '../pipeline/plan.ts';
import type { Receipt } from '../pipeline/receipt.ts';
import { checkParams } from '../tasks/params.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';

export interface Estimate {
  seconds: number;
  basis: EstimateBasis;
}

/** Fewer receipts than this are chance. */
const LEAST_RECEIPTS = 3;

/** What one attempt that succeeded tells. */
interface Seen {
  seconds: number;
  /** Of its input; undefined where the receipt does not tell. */
  bytes: number | undefined;
}

/**
 * `params` with the defaults, `given` without. `own`: the receipt under the job's name. `factor`: of the task ({@link factorOf}). A receipt's time is scaled as the rule
 * scales it: twice the input takes less than twice the time of a small job, which mostly starts.
 */
export function estimate(
  task: TaskDefinition,
  { bytes, given, params }: { bytes: number; given: Params; params: Params },
  { own, factor }: { own?: Receipt | undefined; factor?: number | undefined },
): Estimate {
  const rule = (of: number, by: Params = params): number => task.expectedSeconds({ bytes: of, params: by });
  const seen = own && lastSuccess(own);
  if (seen) {
    const made = paramsOf(task, own) ?? params;
    // What had to go on with less memory the last time, does so at once this time: it takes as long as that.
    const next = own.paramsAsked !== undefined && sameMaking(own, given) ? made : params;
    const from = seen.bytes ?? bytes;
    const scale = rule(bytes === 0 ? from : bytes, next) / rule(from, made);
    return { seconds: seen.seconds * scale, basis: 'receipt' };
  }
  if (factor !== undefined) return { seconds: rule(bytes) * factor, basis: 'similar' };
  return { seconds: rule(bytes), basis: 'size' };
}

/**
 * What the task's published receipts took against what its rule says: the median of the ratios, which a few jobs that hung
 * or raced do not move. `undefined` when there are too few.
 */
export function factorOf(task: TaskDefinition, receipts: readonly Receipt[]): number | undefined {
  const ratios = receipts
    .flatMap((receipt) => {
      const seen = lastSuccess(receipt);
      const params = paramsOf(task, receipt);
      if (!seen || seen.bytes === undefined || !params) return [];
      return [seen.seconds / task.expectedSeconds({ bytes: seen.bytes, params })];
    })
    .sort((a, b) => a - b);
  if (ratios.length < LEAST_RECEIPTS) return undefined;
  const middle = ratios.length / 2;
  return (ratios[Math.floor(middle)]! + ratios[Math.ceil(middle) - 1]!) / 2;
}

/** With the defaults; `undefined` where the task no longer has such parameters. */
function paramsOf(task: TaskDefinition, receipt: Receipt): Params | undefined {
  const checked = checkParams(task, receipt.params);
  return checked.ok ? (checked.params as Params) : undefined;
}

function lastSuccess({ attempts, inputs, sources }: Receipt): Seen | undefined {
  const last = attempts.at(-1);
  if (last?.cause !== 'succeeded' || !last.seconds) return undefined;
  const sizes = inputs.length > 0 ? inputs.map(({ bytes }) => bytes) : [sources[0]?.bytes];
  const bytes = sizes.every((one) => one !== undefined)
    ? sizes.reduce((sum, one) => sum + one, 0)
    : undefined;
  return { seconds: last.seconds, bytes };
}
