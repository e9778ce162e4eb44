/** What happens after an attempt: by its cause, and by how often that cause was seen already. */
import { nextMemory } from '../tasks/sizes.ts';
import type { FargateSize } from '../ports.ts';
import type { Cause, Job, Params } from './job.ts';
import type { End } from './causes.ts';

export type Decision =
  | { next: 'validate' }
  | { next: 'retry'; size: FargateSize; spot: boolean; delaySeconds?: number; less?: LessMemory }
  | { next: 'failed' | 'quarantined' | 'cancelled'; reason: string };

/** How to go on when all memory there is was not enough. */
export interface LessMemory {
  /** In place of the job's, as given. */
  params: Params;
  size: FargateSize;
  expectedSeconds: number;
}

type Retry = Extract<Decision, { next: 'retry' }>;

export interface RetryRules {
  /** Attempts in all for ends of no known reason. */
  attempts: number;
  ceiling: FargateSize;
  retryAfterDeadline: boolean;
  /** `undefined`: the job fails. */
  atCeiling: () => LessMemory | undefined;
}

/** A first Spot loss is bad luck; after a second the area has no Spot to spare, and the job goes on-demand. */
const SPOT_LOSSES = 2;
/** A container that cannot start five times will not start the sixth. */
const NEVER_STARTED = 5;

/** 30 s, 60 s, 120 s … at most 15 minutes: time for a mirror to come back. */
const backoff = (times: number): number => Math.min(30 * 2 ** (times - 1), 900);

/** `job` is as it stands after this attempt, its cause recorded. */
export function decide(job: Job, end: End, rules: RetryRules): Decision {
  const times = (...causes: Cause[]): number =>
    job.attempts
      .slice(job.attemptsBefore ?? 0)
      .filter(({ cause }) => cause !== undefined && causes.includes(cause)).length;
  const again = (options: { size?: FargateSize; spot?: boolean; delaySeconds?: number } = {}): Retry => ({
    next: 'retry',
    size: options.size ?? job.size,
    spot: options.spot ?? job.spot,
    ...(options.delaySeconds === undefined ? {} : { delaySeconds: options.delaySeconds }),
  });
  const giveUp = (count: number): Decision => ({
    next: 'failed',
    reason: `${end.reason} (after ${count} attempts)`,
  });

  switch (end.cause) {
    case 'succeeded':
      return { next: 'validate' };
    case 'bad-input':
      return { next: 'quarantined', reason: end.reason };
    case 'cancelled':
    case 'input-changed':
      return { next: 'cancelled', reason: end.reason };
    case 'out-of-memory': {
      const size = nextMemory(job.size, rules.ceiling);
      if (size) return again({ size });
      const less = rules.atCeiling();
      if (less) return { ...again({ size: less.size }), less };
      return {
        next: 'failed',
        reason: `${end.reason}. ${job.size.memoryMiB} MiB is the most that this task may have here`,
      };
    }
    case 'deadline':
      if (rules.retryAfterDeadline && times('deadline') < rules.attempts) return again();
      return { next: 'failed', reason: end.reason };
    case 'interrupted':
      return again({ spot: job.spot && times('interrupted') < SPOT_LOSSES });
    // As often as it takes: each time somebody else's turn came.
    case 'not-reached':
      return again();
    case 'never-started': {
      const count = times('never-started');
      return count < NEVER_STARTED
        ? again({ delaySeconds: backoff(count), spot: job.spot && count < SPOT_LOSSES })
        : giveUp(count);
    }
    case 'try-again': {
      const count = times('try-again');
      return count < rules.attempts ? again({ delaySeconds: backoff(count) }) : giveUp(count);
    }
    case 'killed':
    case 'failed': {
      const count = times('killed', 'failed');
      return count < rules.attempts ? again() : giveUp(count);
    }
    default:
      return { next: 'failed', reason: end.reason };
  }
}
