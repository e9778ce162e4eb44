/** Why an attempt ended, from what three witnesses say: the runner (ECS or the engine), run.sh, and stage-in/out. */
import type { TaskState } from '../ports.ts';
import type { AttemptRecord } from './attempt-record.ts';
import type { Attempt, Cause } from './job.ts';
import type { MemberEnd } from './member-ends.ts';

/** sysexits.h: EX_DATAERR and EX_TEMPFAIL. */
export const EXIT_BAD_INPUT = 65;
export const EXIT_TRY_AGAIN = 75;
/** 128 + SIGKILL: what an out-of-memory kill looks like from outside. */
export const EXIT_KILLED = 137;
/** 128 + SIGTERM: someone other than us asked it to stop. */
export const EXIT_TERMINATED = 143;

export interface End {
  cause: Cause;
  /** One sentence for a person. */
  reason: string;
}

const OUT_OF_MEMORY = /^out of memory/i;

/** A log line that is JSON is told by its message. */
export function sentence(line: string | undefined): string | undefined {
  if (!line?.startsWith('{')) return line?.trim() || undefined;
  try {
    const { message } = JSON.parse(line) as { message?: unknown };
    return typeof message === 'string' ? message : line;
  } catch {
    return line;
  }
}

const CANCELLED: End = { cause: 'cancelled', reason: 'Cancelled while it was running' };

/** Of a member of a launch of several jobs. Its own end counts, unless somebody wished it to be another. */
export function endOfMember(attempt: Attempt, { state, record, reached, atWork }: MemberEnd): End {
  // The container goes on for the others: that it may have come to its end is no reason to publish.
  if (attempt.stopping?.cause === 'cancelled') return CANCELLED;
  if (!reached) return { cause: 'not-reached', reason: 'Its container ended before its turn came' };
  if (atWork) return endOf(attempt, state, record);
  const { stopping: _, ...own } = attempt;
  return endOf(own, state, record);
}

export function endOf(attempt: Attempt, state: TaskState, record: AttemptRecord | undefined): End {
  const exit = record?.exit;
  const exitCode = exit?.exitCode ?? state.exitCode;
  const lastLine = sentence(exit?.lastLine);

  if (exit?.exitCode === 0 && record !== undefined) {
    if (record.stageOut)
      return { cause: 'failed', reason: `The outputs could not be kept: ${record.stageOut.reason}` };
    if (record.stageIn) return { cause: 'input-changed', reason: record.stageIn.reason };
    return { cause: 'succeeded', reason: 'Done' };
  }
  if (attempt.stopping?.cause === 'cancelled') return CANCELLED;
  if (attempt.stopping?.cause === 'deadline' || exit?.deadline) {
    return {
      cause: 'deadline',
      reason: lastLine ? `Stopped at its deadline; its last words: ${lastLine}` : 'Stopped at its deadline',
    };
  }
  if (record?.stageIn) {
    const { cause, reason } = record.stageIn;
    if (cause === 'bad-input') return { cause, reason };
    return {
      cause: cause === 'input-changed' || cause === 'input-missing' ? 'input-changed' : 'failed',
      reason,
    };
  }
  if (state.stopCode === 'SpotInterruption' || state.stopCode === 'TerminationNotice') {
    return { cause: 'interrupted', reason: state.reason ?? 'The machine below it was taken back' };
  }
  if (state.stopCode === 'TaskFailedToStart') {
    return { cause: 'never-started', reason: state.reason ?? 'The container never started' };
  }
  if (exitCode === EXIT_BAD_INPUT)
    return {
      cause: 'bad-input',
      reason: lastLine ?? 'The container says that its input is bad (exit code 65), and nothing more',
    };
  if (isOutOfMemory(state, record)) {
    const limit = `${attempt.size.memoryMiB} MiB`;
    return {
      cause: 'out-of-memory',
      reason: lastLine && OUT_OF_MEMORY.test(lastLine) ? lastLine : `Out of memory at ${limit}`,
    };
  }
  if (exitCode === EXIT_TRY_AGAIN)
    return {
      cause: 'try-again',
      reason: lastLine ?? 'The container asks to try again (exit code 75), and says nothing more',
    };
  if (exit === undefined) {
    return {
      cause: 'killed',
      reason:
        state.reason ??
        `The container ended without a word (exit code ${exitCode ?? 'unknown'}): killed from outside`,
    };
  }
  if (exitCode === EXIT_KILLED || exitCode === EXIT_TERMINATED) {
    return { cause: 'killed', reason: lastLine ?? `Killed from outside (exit code ${exitCode})` };
  }
  return {
    cause: 'failed',
    reason: lastLine
      ? `Exit code ${exitCode}: ${lastLine}`
      : `Exit code ${exitCode}, without a word on stderr`,
  };
}

function isOutOfMemory(state: TaskState, record: AttemptRecord | undefined): boolean {
  const exit = record?.exit;
  if (state.outOfMemory || (exit?.oomKills ?? 0) > 0) return true;
  if ((exit?.exitCode ?? state.exitCode) !== EXIT_KILLED) return false;
  return OUT_OF_MEMORY.test(sentence(exit?.lastLine) ?? '');
}
