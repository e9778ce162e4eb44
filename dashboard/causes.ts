/** Failures, grouped by why: jobs that failed for one reason are one thing to mend. */
import type { JobView } from '../cli/dashboard/view.ts';

export interface FailureGroup {
  key: string;
  cause: string;
  /** The first one's, word for word. */
  reason: string;
  jobs: JobView[];
}

const CAUSE_TEXT: Record<string, string> = {
  'bad-input': 'Bad input',
  'out-of-memory': 'Out of memory',
  deadline: 'Deadline passed',
  interrupted: 'Spot capacity lost',
  'never-started': 'Never started',
  'not-reached': 'Its turn never came',
  'try-again': 'Asked to be tried again',
  killed: 'Killed from outside',
  failed: 'The container failed',
  refused: 'Refused at launch',
  'invalid-output': 'Outputs fail their checks',
  'bad-parameter': 'Bad parameter',
  'unknown-task': 'Unknown task',
  'unknown-source': 'No such source',
};

/** Numbers, names in quotes and the job's own name tell one job from another, not one reason from another. */
function kindOf({ reason = '', name, cause }: JobView): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const text = reason.replaceAll(name, '…').replaceAll(base.length > 2 ? base : name, '…');
  return `${cause ?? ''}: ${text.replaceAll(/"[^"]*"|\d+(?:[.,]\d+)*/g, '…')}`;
}

/** The largest group first. */
export function groupFailures(jobs: Iterable<JobView>): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const job of jobs) {
    if (job.state !== 'failed' && job.state !== 'quarantined') continue;
    const key = `${job.state} ${kindOf(job)}`;
    const group = groups.get(key) ?? {
      key,
      cause: CAUSE_TEXT[job.cause ?? ''] ?? job.cause ?? 'No cause recorded',
      reason: job.reason ?? 'no reason was recorded',
      jobs: [],
    };
    groups.set(key, group);
    group.jobs.push(job);
  }
  return [...groups.values()].sort((a, b) => b.jobs.length - a.jobs.length);
}
