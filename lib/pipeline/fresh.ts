/** Whether what is published is new enough, and from the same source, so that it need not be made again. */
import { text } from 'node:stream/consumers';
import type { PipelineContext } from './context.ts';
import { paramsText, type Job, type Params, type Source } from './job.ts';
import { outputKeys } from './keys.ts';
import type { Receipt } from './receipt.ts';

const DAY = 86_400_000;

/** By name: what JSON.parse throws in a vm context is no `instanceof SyntaxError`. */
const isNamed = (error: unknown, name: string): boolean =>
  typeof error === 'object' && error !== null && 'name' in error && error.name === name;

/** The receipt of what is published under the job's name. */
export async function publishedReceipt(
  { stores }: Pick<PipelineContext, 'stores'>,
  job: Pick<Job, 'task' | 'name'>,
): Promise<Receipt | undefined> {
  const key = outputKeys.receipt(job);
  if (!(await stores.output.head(key))) return undefined;
  try {
    return JSON.parse(await text(await stores.output.get(key))) as Receipt;
  } catch (error) {
    if (!isNamed(error, 'SyntaxError')) throw error;
    throw new Error(
      `The receipt ${stores.output.uri(key)} is not JSON: restore it, or remove it; then nothing counts as published there`,
      { cause: error },
    );
  }
}

/** MD5 tells most; ETag and size, or the date, stand in where a server gives no MD5. */
export function sameSource(a: Source, b: Source): boolean {
  if (a.uri !== b.uri) return false;
  if (a.md5 !== undefined && b.md5 !== undefined) return a.md5 === b.md5;
  if (a.etag !== undefined && b.etag !== undefined) return a.etag === b.etag;
  return a.lastModified !== undefined && a.lastModified === b.lastModified && a.bytes === b.bytes;
}

/** How old a result may be says nothing about how it was made. */
const making = (params: Params): string =>
  paramsText(Object.fromEntries(Object.entries(params).filter(([name]) => name !== 'freshness')));

/** Whether a result was asked for in the same words. What it went on with at the memory ceiling is no other wish. */
export const sameMaking = (
  { params, paramsAsked = params }: Pick<Receipt, 'params' | 'paramsAsked'>,
  asked: Params,
): boolean => making(paramsAsked) === making(asked);

/** `receipt`: of what is published under the job's name. Why that is fresh enough; `undefined` when it is not. */
export function freshness(
  job: Pick<Job, 'params' | 'paramsAsked' | 'source'>,
  days: number,
  receipt: Receipt | undefined,
  now: number,
): string | undefined {
  const { source } = job;
  if (days <= 0 || !source || !receipt) return undefined;
  const age = (now - Date.parse(receipt.endedAt)) / DAY;
  const made = receipt.sources.find((one) => sameSource(one, source));
  if (age >= days || !made || !sameMaking(receipt, job.paramsAsked ?? job.params)) return undefined;
  return `Fresh: published ${age.toFixed(1)} days ago from the same source (${source.uri}), and up to ${days} days are fresh enough`;
}
