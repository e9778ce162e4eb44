/** From a job's record, or its place in the plan, to what the page shows of it. */
import { lastAttempt, type Attempt, type Job } from '../../lib/pipeline/job.ts';
import type { PlannedJob } from '../../lib/pipeline/plan.ts';
import type { JobView, ViewState } from './view.ts';

/** `id`: that it will have when it is accepted. */
export function plannedView(id: string, planned: PlannedJob): JobView {
  const { task, name, fresh, bytes } = planned;
  return {
    id,
    task,
    name,
    state: fresh === undefined ? 'waiting' : 'fresh',
    accepted: false,
    ...(fresh === undefined ? {} : { reason: fresh }),
    ...(bytes > 0 ? { bytes } : {}),
    size: planned.size,
    spot: planned.spot,
    ...expectation(planned),
  };
}

/** What the plan says of it; nothing of what is not to be made. */
export function expectation({
  expectedSeconds,
  costUsd,
  spot,
  fresh,
  refused,
}: PlannedJob): Pick<JobView, 'expectedSeconds' | 'plannedUsd'> {
  if (fresh !== undefined || refused !== undefined) return {};
  return { expectedSeconds, plannedUsd: spot ? costUsd.spot : costUsd.onDemand };
}

export function recordedView(job: Job, planned: PlannedJob | undefined): JobView {
  const last = lastAttempt(job);
  const ended = job.attempts.filter(({ endedAt }) => endedAt !== undefined);
  const peak = Math.max(0, ...job.attempts.map(({ peakMemoryBytes }) => peakMemoryBytes ?? 0));
  const expectedSeconds = planned?.expectedSeconds ?? job.expectedSeconds;
  return {
    ...(planned ? expectation(planned) : {}),
    id: job.id,
    task: job.task,
    name: job.name,
    state: stateOf(job),
    accepted: true,
    attempts: job.attempts.length,
    size: last?.size ?? job.size,
    spot: last?.spot ?? job.spot,
    ...given('phase', job.phase),
    ...given('cause', job.cause),
    ...given('reason', job.reason ?? (job.state === 'waiting' ? last?.reason : undefined)),
    ...given('expectedSeconds', expectedSeconds),
    ...given('startedAt', last?.claimedAt),
    ...given('launch', last?.launch),
    ...given('endedAt', job.endedAt),
    ...given('notBefore', job.state === 'waiting' ? job.notBefore : undefined),
    ...(job.bytes > 0 ? { bytes: job.bytes } : {}),
    ...(ended.length > 0 ? { seconds: sum(ended, 'seconds'), costUsd: sum(ended, 'costUsd') } : {}),
    ...(peak > 0 ? { peakMemoryBytes: peak } : {}),
  };
}

/** Published without a container: what was there already was fresh enough. */
const stateOf = ({ state, attempts }: Job): ViewState =>
  state === 'published' && attempts.length === 0 ? 'fresh' : state;

const sum = (attempts: Attempt[], field: 'seconds' | 'costUsd'): number =>
  Number(attempts.reduce((total, attempt) => total + (attempt[field] ?? 0), 0).toFixed(6));

function given<K extends keyof JobView>(name: K, value: JobView[K] | undefined): Partial<JobView> {
  return value === undefined ? {} : { [name]: value };
}
