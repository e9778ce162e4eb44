/** The receipt: written last, it is what makes a result published, and everything that is known about how it came to be. */
import type { CheckResult } from '../tasks/define-task.ts';
import type { Attempt, Cause, Params, Source, TerminalState } from './job.ts';

export interface ReceiptFile {
  name: string;
  /** Where it is published (or quarantined). */
  uri: string;
  key: string;
  bytes: number;
  sha256: string;
  contentType?: string;
}

export interface Receipt {
  receiptVersion: 1;
  job: string;
  run: string;
  task: string;
  name: string;
  state: TerminalState;
  cause?: Cause;
  reason?: string;
  params: Params;
  /** As they were given, where all memory was not enough and it went on with `params`. */
  paramsAsked?: Params;
  inputs: { uri: string; bytes: number; etag: string; sha256?: string }[];
  sources: (Source & { sha256?: string })[];
  imageDigest?: string;
  attempts: Attempt[];
  checks: CheckResult[];
  /** Outputs and metadata, in name order. */
  files: ReceiptFile[];
  /** The handler's own facts and timings. */
  report?: unknown;
  /** Why the handler's report could not be read. */
  reportError?: string;
  /** ISO 8601. */
  acceptedAt: string;
  endedAt: string;
  /** All attempts together. */
  seconds: number;
  costUsd: number;
  peakMemoryBytes?: number;
  sequence: string;
  longshoreVersion: string;
}
