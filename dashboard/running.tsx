/** What runs now: stage, time against what was expected, memory against its limit. */
import type { JSX } from 'preact';
import type { JobView } from '../cli/dashboard/view.ts';
import { Card, JobButton, Meter } from './bits.tsx';
import { useNow, useStore } from './store.ts';
import { counted, duration, formatBytes, shareDone, tookSeconds, whatNow } from './text.ts';

const SHOWN = 12;
const MIB = 1024 ** 2;

export function RunningCard(): JSX.Element {
  const { jobs } = useStore();
  const now = useNow();
  const running = [...jobs.values()]
    .filter(({ state }) => state === 'running')
    .sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
  const more = running.length - SHOWN;
  return (
    <Card id="running" title="Running now">
      {running.length === 0 && <p class="note">Nothing runs at the moment.</p>}
      <ul class="running-list">
        {running.slice(0, SHOWN).map((job) => (
          <RunningJob key={job.id} job={job} now={now} />
        ))}
      </ul>
      {more > 0 && <p class="note">and {counted(more, 'more job')}, in the list</p>}
    </Card>
  );
}

function RunningJob({ job, now }: { job: JobView; now: number }): JSX.Element {
  const { name, id, attempts = 1, memoryBytes, size, expectedSeconds, spot, launch } = job;
  const took = tookSeconds(job, now) ?? 0;
  const limit = (size?.memoryMiB ?? 0) * MIB;
  const time = expectedSeconds ? `${duration(took)} of some ${duration(expectedSeconds)}` : duration(took);
  const facts = [
    time,
    ...(size ? [`${size.vcpu} vCPU`] : []),
    ...(spot ? ['Spot'] : []),
    ...(attempts > 1 ? [`attempt ${attempts}`] : []),
    ...(launch && launch.jobs > 1 ? [`${launch.jobs} jobs in its container`] : []),
  ];
  return (
    <li>
      <div class="line">
        <JobButton id={id}>{name}</JobButton>
        <span class="stage">{whatNow(job, now)}</span>
      </div>
      <Meter share={shareDone(job, now)} label={`Progress of ${name}`} />
      <div class="line note">
        <span>{facts.join(' · ')}</span>
        {memoryBytes !== undefined && limit > 0 && (
          <span class="memory">
            {formatBytes(memoryBytes)} of {formatBytes(limit)}
            <Meter
              share={Math.min(1, memoryBytes / limit)}
              label={`Memory of ${name}`}
              kind={memoryBytes > 0.9 * limit ? 'memory high' : 'memory'}
            />
          </span>
        )}
      </div>
    </li>
  );
}
