/** What went wrong, grouped by why, with the last words of the log and another try. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { ViewState } from '../cli/dashboard/view.ts';
import { Action, Card, JobButton, retryText, Sign } from './bits.tsx';
import { groupFailures, type FailureGroup } from './causes.ts';
import { retryJob, retryRun } from './connection.ts';
import { Log } from './log.tsx';
import { useStore } from './store.ts';
import { count, counted } from './text.ts';

/** Jobs named in a group; the list has all. */
const NAMED = 8;
const LAST_LINES = 8;

export function FailuresCard(): JSX.Element | null {
  const { jobs, jobsVersion, run, summary } = useStore();
  const groups = useMemo(() => groupFailures(jobs.values()), [jobsVersion]);
  const failed = summary?.counts.failed ?? 0;
  if (groups.length === 0) return null;
  const retryAll = async (): Promise<string> => retryText(await retryRun(run ?? ''));
  return (
    <Card
      id="failures"
      title="Failures"
      extra={
        failed > 0 && (
          <Action name={`Retry all failed (${count(failed)}) jobs of this run`} run={retryAll}>
            Retry all failed ({count(failed)})
          </Action>
        )
      }
    >
      {groups.map((group) => (
        <Group key={group.key} group={group} />
      ))}
    </Card>
  );
}

function Group({ group }: { group: FailureGroup }): JSX.Element {
  const [open, setOpen] = useState(false);
  const { cause, reason, jobs } = group;
  const [first] = jobs;
  const state: ViewState = first?.state ?? 'failed';
  return (
    <details class="failure" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Sign state={state} label={state} />
        <span>
          <b>{cause}</b> <span class="count">{counted(jobs.length, 'job')}</span>
          <span class="reason">{reason}</span>
        </span>
      </summary>
      {open && first && (
        <div class="failure-body">
          {state === 'quarantined' && (
            <p class="note">
              Set aside: mend the file or the parameters first; the same input would end the same.
            </p>
          )}
          {(first.attempts ?? 0) > 0 && (
            <>
              <h3>Last lines of {first.name}</h3>
              <Log job={first.id} attempt={first.attempts ?? 1} lines={LAST_LINES} />
            </>
          )}
          <ul class="failed-jobs">
            {jobs.slice(0, NAMED).map(({ id, name }) => (
              <li key={id}>
                <JobButton id={id}>{name}</JobButton>
                <Action quiet name={`Retry ${name}`} run={async () => retryText(await retryJob(id))}>
                  Retry
                </Action>
              </li>
            ))}
          </ul>
          {jobs.length > NAMED && (
            <p class="note">and {counted(jobs.length - NAMED, 'more job')}, in the list</p>
          )}
        </div>
      )}
    </details>
  );
}
