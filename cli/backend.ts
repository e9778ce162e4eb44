/** Opens the backend that the options name. Each is loaded only when asked for: the AWS SDK takes 0.3 s to load. */
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { UsageError } from './errors.ts';
import { noteLog } from './note-log.ts';
import type { MemoryOf } from './job-watch.ts';
import type { LiveLogOf } from './log-tail.ts';
import type { CommonOptions } from './options.ts';
import type { Output } from './streams.ts';

/** What makes a backend's jobs go on while somebody waits for them. */
export interface Backend {
  ctx: PipelineContext;
  /** Makes ready what jobs of these tasks need and nobody has made yet: on this machine, their images. */
  prepare?(tasks: string[], options: { quiet: boolean }): Promise<void>;
  /**
   * Works on the jobs of `run` until `stop` is called: on this machine here, on AWS by telling the dispatcher once.
   * `failed` rejects if that cannot go on.
   */
  drive(run: string): Promise<{ stop(): Promise<void>; failed: Promise<never> }>;
  /** Milliseconds between two looks at the jobs. */
  pollMs: number;
  /** Ctrl-C while waiting cancels the jobs: true where they are this process's own affair. */
  cancelOnInterrupt: boolean;
  /** The stores have an attempt's log while it is written: not on AWS, where stage-out brings it when the container has ended. */
  liveLogs: boolean;
  /** Where the log of a running attempt is to be had besides. One job at a time: CloudWatch Logs answers 25 calls a second. */
  liveLog?: LiveLogOf;
  memoryOf?: MemoryOf;
  /** What a command that is shown must have to be about the same backend. */
  flags?: string;
}

export type BackendOptions = Pick<CommonOptions, 'backend' | 'home' | 'stage' | 'region'>;

export async function openBackend(options: BackendOptions, out: Output): Promise<Backend> {
  const { backend, home } = options;
  const log = noteLog(out);
  if (backend === 'aws') {
    const { openAws } = await import('./aws-backend.ts');
    return await openAws(options, log, process.env);
  }
  const { openLocal } = await import('./local-backend.ts');
  return await openLocal(home, log, out);
}

/** For verbs that make no sense on AWS. */
export function onlyLocal(verb: string, { backend }: Pick<CommonOptions, 'backend'>, instead: string): void {
  if (backend === 'aws') throw new UsageError(`longshore ${verb} is for this machine only: ${instead}`);
}
