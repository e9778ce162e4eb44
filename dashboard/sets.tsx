/** Granules of several files that are not all there: of no run until they start. */
import type { JSX } from 'preact';
import type { WaitingSet } from '../cli/dashboard/view.ts';
import { Card } from './bits.tsx';
import { useNow, useStore } from './store.ts';
import { clock, counted, some } from './text.ts';

const SHOWN = 12;

export function SetsCard(): JSX.Element | null {
  const { sets } = useStore();
  const now = useNow();
  if (sets.length === 0) return null;
  const more = sets.length - SHOWN;
  return (
    <Card id="sets" title="Waiting for files">
      <ul class="sets">
        {sets.slice(0, SHOWN).map((set) => (
          <Waiting key={`${set.task}/${set.granule}`} set={set} now={now} />
        ))}
      </ul>
      {more > 0 && <p class="note">and {counted(more, 'more granule')}: longshore status has all</p>}
    </Card>
  );
}

function Waiting({ set, now }: { set: WaitingSet; now: number }): JSX.Element {
  const { task, granule, parts, missing, until } = set;
  const end = clock(Date.parse(until), now);
  return (
    <li>
      <b>{granule}</b>{' '}
      <span class="note">
        {task}; has {counted(parts.length, 'file')};{' '}
        {missing.length > 0
          ? `missing ${some(missing)}; given up at ${end}`
          : `complete, starts at ${end} if no more come`}
      </span>
    </li>
  );
}
