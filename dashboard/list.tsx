/** All jobs as a table: for those who prefer lists, and for jobs without an area. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { VIEW_STATES, type JobView } from '../cli/dashboard/view.ts';
import { Card, JobButton, StateWord } from './bits.tsx';
import { useStore } from './store.ts';
import { clock, count, counted, duration, formatBytes, tookSeconds, usd, whatNow } from './text.ts';

/** Rows at once: a table of 10,000 rows is slow to draw and to walk through by keyboard. */
const PAGE = 50;

interface Column {
  key: string;
  title: string;
  /** For wide screens only. */
  wide?: boolean;
  number?: boolean;
  cell: (job: JobView, now: number) => JSX.Element | string;
  /** What it is sorted by; `undefined` comes last. */
  by: (job: JobView, now: number) => number | string | undefined;
}

const text = <T,>(value: T | undefined, format: (value: T) => string): string =>
  value === undefined ? '' : format(value);

const COLUMNS: Column[] = [
  {
    key: 'state',
    title: 'State',
    cell: ({ state }) => <StateWord state={state} />,
    by: ({ state }) => VIEW_STATES.indexOf(state),
  },
  {
    key: 'name',
    title: 'Name',
    cell: ({ id, name }) => <JobButton id={id}>{name}</JobButton>,
    by: ({ name }) => name,
  },
  {
    key: 'what',
    title: 'Stage or reason',
    wide: true,
    cell: (job, now) => <span class="reason">{whatNow(job, now)}</span>,
    by: (job, now) => whatNow(job, now) || undefined,
  },
  {
    key: 'attempts',
    title: 'Attempts',
    wide: true,
    number: true,
    cell: ({ attempts }) => text(attempts || undefined, count),
    by: ({ attempts }) => attempts,
  },
  {
    key: 'took',
    title: 'Took',
    number: true,
    cell: (job, now) => text(tookSeconds(job, now), duration),
    by: tookSeconds,
  },
  {
    key: 'expected',
    title: 'Expected',
    wide: true,
    number: true,
    cell: ({ expectedSeconds }) => text(expectedSeconds, duration),
    by: ({ expectedSeconds }) => expectedSeconds,
  },
  {
    key: 'memory',
    title: 'Memory',
    wide: true,
    number: true,
    cell: ({ memoryBytes, peakMemoryBytes }) => text(memoryBytes ?? peakMemoryBytes, formatBytes),
    by: ({ memoryBytes, peakMemoryBytes }) => memoryBytes ?? peakMemoryBytes,
  },
  {
    key: 'cost',
    title: 'Cost',
    wide: true,
    number: true,
    cell: ({ costUsd }) => text(costUsd, usd),
    by: ({ costUsd }) => costUsd,
  },
  {
    key: 'ended',
    title: 'Ended',
    wide: true,
    number: true,
    cell: ({ endedAt }, now) => text(endedAt, (at) => clock(at, now)),
    by: ({ endedAt }) => endedAt,
  },
];

interface Sorting {
  key: string;
  descending: boolean;
}

export function ListCard(): JSX.Element {
  const { jobs, jobsVersion, hidden, summary } = useStore();
  const [search, setSearch] = useState('');
  const [sorting, setSorting] = useState<Sorting>({ key: 'name', descending: false });
  const [page, setPage] = useState(0);
  const now = summary?.now ?? 0;
  const found = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    const matching = [...jobs.values()].filter(
      ({ state, name, id, reason = '' }) =>
        !hidden.has(state) &&
        (wanted === '' || [name, id, reason].some((part) => part.toLowerCase().includes(wanted))),
    );
    return sorted(matching, sorting, now);
  }, [jobsVersion, hidden, search, sorting]);
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  const at = Math.min(page, pages - 1);
  return (
    <Card
      id="list"
      title="All jobs"
      extra={
        <label class="search">
          <span class="unseen">Search jobs by name or reason</span>
          <input
            type="search"
            placeholder="Search name or reason"
            value={search}
            onInput={(event) => {
              setSearch(event.currentTarget.value);
              setPage(0);
            }}
          />
        </label>
      }
    >
      <Table jobs={found.slice(at * PAGE, (at + 1) * PAGE)} now={now} sorting={sorting} sort={setSorting} />
      <nav class="pages" aria-label="Pages of the list">
        <span aria-live="polite">
          {found.length === jobs.size
            ? counted(found.length, 'job')
            : `${count(found.length)} of ${counted(jobs.size, 'job')}`}
        </span>
        {pages > 1 && (
          <>
            <button type="button" class="quiet" disabled={at === 0} onClick={() => setPage(at - 1)}>
              Previous
            </button>
            <span>
              page {count(at + 1)} of {count(pages)}
            </span>
            <button type="button" class="quiet" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
              Next
            </button>
          </>
        )}
      </nav>
    </Card>
  );
}

function sorted(jobs: JobView[], { key, descending }: Sorting, now: number): JobView[] {
  const { by } = COLUMNS.find((column) => column.key === key)!;
  const order = descending ? -1 : 1;
  return jobs
    .map((job) => ({ job, value: by(job, now) }))
    .sort((a, b) => {
      if (a.value === undefined || b.value === undefined)
        return (
          Number(a.value === undefined) - Number(b.value === undefined) || (a.job.name < b.job.name ? -1 : 1)
        );
      if (a.value === b.value) return a.job.name < b.job.name ? -1 : 1;
      return a.value < b.value ? -order : order;
    })
    .map(({ job }) => job);
}

interface TableProps {
  jobs: JobView[];
  now: number;
  sorting: Sorting;
  sort: (sorting: Sorting) => void;
}

function Table({ jobs, now, sorting, sort }: TableProps): JSX.Element {
  const ariaSort = ({ key }: Column): 'ascending' | 'descending' | 'none' =>
    key !== sorting.key ? 'none' : sorting.descending ? 'descending' : 'ascending';
  const mark = { ascending: '▲', descending: '▼', none: '' };
  return (
    <div class="table-box" role="region" aria-label="Table of jobs" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column.key} scope="col" aria-sort={ariaSort(column)} class={classOf(column)}>
                <button
                  type="button"
                  onClick={() =>
                    sort({ key: column.key, descending: column.key === sorting.key && !sorting.descending })
                  }
                >
                  {column.title}
                  <span aria-hidden="true"> {mark[ariaSort(column)]}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id} data-job={job.id}>
              {COLUMNS.map((column) => (
                <td key={column.key} class={classOf(column)}>
                  {column.cell(job, now)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const classOf = ({ key, wide, number }: Column): string =>
  [`column-${key}`, wide ? 'wide' : '', number ? 'number' : ''].filter((name) => name !== '').join(' ');
