/** One container's end, as seen by each of its members. */
import type { TaskState } from '../ports.ts';
import type { AttemptRecord } from './attempt-record.ts';

export interface MemberEnd {
  record: AttemptRecord | undefined;
  /** What the runner says, as far as it is about this member. */
  state: TaskState;
  /** False when its turn never came. */
  reached: boolean;
  /** Whether the container's end was this member's own: it was the one at work. */
  atWork: boolean;
  /** Of the container's seconds and cost; all members' together are 1. */
  share: number;
}

/** When its turn came, in milliseconds since the epoch. */
const begunAt = (record: AttemptRecord | undefined): number | undefined =>
  record?.begunAt ?? record?.exit?.startedAt;

/**
 * `records`: one for each member. What ended the container (a Spot loss, a kill, a stop) is the end of the member that was
 * at work. Who came before has an end of their own, and who would have come after was not reached. Where nobody's turn came,
 * it is everybody's end, or it might be repeated for ever.
 */
export function memberEnds(state: TaskState, records: (AttemptRecord | undefined)[]): MemberEnd[] {
  if (records.length === 1) {
    const [record] = records;
    return [{ record, state, reached: true, atWork: true, share: 1 }];
  }
  const last = Math.max(...records.map((record) => begunAt(record) ?? 0));
  const shares = sharesOf(state, records);
  return records.map((record, index) => {
    const begun = begunAt(record);
    const atWork = last === 0 || begun === last;
    return {
      record,
      state: atWork ? ofTheOneAtWork(state, record) : apart(state),
      reached: last === 0 || begun !== undefined || record?.stageIn !== undefined,
      atWork,
      share: shares[index] ?? 0,
    };
  });
}

/** Without what is said of the end of the container. */
function apart({ ref, launch, status, pullStartedAt, startedAt, stoppedAt }: TaskState): TaskState {
  return {
    ref,
    launch,
    status,
    ...(pullStartedAt === undefined ? {} : { pullStartedAt }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
  };
}

/**
 * Engines and ECS say "out of memory" of a container in which any process was ever killed for it. Whose it was is told by
 * the member's own count of kills; only without one by the exit code.
 */
function ofTheOneAtWork(state: TaskState, record: AttemptRecord | undefined): TaskState {
  const exit = record?.exit;
  if (!exit || !state.outOfMemory) return state;
  const { outOfMemory: _, ...rest } = state;
  return exit.oomKills === undefined && exit.exitCode === 137 ? state : rest;
}

/** Each one's own seconds, and an equal part of what all needed together: pull, stage-in, stage-out. */
function sharesOf(state: TaskState, records: (AttemptRecord | undefined)[]): number[] {
  const own = records.map((record) => {
    const from = begunAt(record);
    const to = record?.exit?.endedAt ?? state.stoppedAt ?? from;
    return from === undefined || to === undefined ? 0 : Math.max(0, to - from);
  });
  const begun = records.map((record) => begunAt(record) !== undefined);
  const reached = begun.some(Boolean) ? begun : records.map(() => true);
  const worked = own.reduce((sum, ms) => sum + ms, 0);
  const from = state.pullStartedAt ?? state.startedAt;
  const whole = from === undefined || state.stoppedAt === undefined ? worked : state.stoppedAt - from;
  const together = Math.max(0, whole - worked) / reached.filter(Boolean).length;
  const parts = own.map((ms, index) => ms + (reached[index] ? together : 0));
  const sum = parts.reduce((total, part) => total + part, 0);
  return parts.map((part, index) =>
    sum > 0 ? part / sum : reached[index] ? 1 / reached.filter(Boolean).length : 0,
  );
}
