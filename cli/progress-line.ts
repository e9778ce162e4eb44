/** Progress lines of a job's log: `{"event":"Progress","stage":"download","percent":42,"bytes":…,"totalBytes":…}`. */
import { formatBytes } from './format.ts';

/** A line that is no event: plain text that a process said. */
export const PLAIN_TEXT = 'Process:Say:Line';

export interface Progress {
  stage: string;
  /** 0–100. */
  percent?: number;
  bytes?: number;
  totalBytes?: number;
}

/** `undefined` when the line is of another kind, or not as the contract says. */
export function progressOf(fields: Record<string, unknown>): Progress | undefined {
  const { event, stage } = fields;
  if (event !== 'Progress' || typeof stage !== 'string') return undefined;
  return { stage, ...number(fields, 'percent'), ...number(fields, 'bytes'), ...number(fields, 'totalBytes') };
}

const number = <K extends string>(fields: Record<string, unknown>, name: K): Partial<Record<K, number>> =>
  typeof fields[name] === 'number' ? ({ [name]: fields[name] } as Record<K, number>) : {};

/** A handler that tells no progress may still tell what it has done: the event is shown then. Plain text is no stage. */
export function heard(fields: Record<string, unknown> | undefined): Progress | undefined {
  if (!fields) return undefined;
  const { event } = fields;
  return (
    progressOf(fields) ?? (typeof event === 'string' && event !== PLAIN_TEXT ? { stage: event } : undefined)
  );
}

/** 0–100, as told or from the bytes. */
export const shareOf = ({ percent, bytes, totalBytes }: Progress): number | undefined =>
  percent ?? (bytes !== undefined && totalBytes ? (100 * bytes) / totalBytes : undefined);

/** `download 42 % (1.20 MiB of 2.86 MiB)`. */
export function progressText(progress: Progress): string {
  const { stage, bytes, totalBytes } = progress;
  const share = shareOf(progress);
  const amount =
    bytes === undefined
      ? ''
      : totalBytes === undefined
        ? formatBytes(bytes)
        : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
  if (share === undefined) return [stage, amount].filter((part) => part !== '').join(' ');
  return `${stage} ${Math.floor(share)} %${amount === '' ? '' : ` (${amount})`}`;
}
