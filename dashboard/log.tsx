/** The end of a job's log. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { LogView } from '../cli/dashboard/view.ts';
import { readLog } from './connection.ts';

export interface LogProps {
  job: string;
  attempt: number;
  lines: number;
  /** Read again so often, in milliseconds: while it grows. */
  everyMs?: number;
}

export function Log({ job, attempt, lines, everyMs }: LogProps): JSX.Element {
  const [log, setLog] = useState<LogView>();
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    let current = true;
    const read = async (): Promise<void> => {
      try {
        const found = await readLog(job, attempt, lines);
        if (!current) return;
        setLog(found);
        setTrouble('');
      } catch (error) {
        if (current) setTrouble((error as Error).message);
      }
    };
    void read();
    const timer = everyMs === undefined ? undefined : setInterval(() => void read(), everyMs);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [job, attempt, lines, everyMs]);
  if (!log) return <p class="note">{trouble === '' ? 'Reading the log…' : trouble}</p>;
  return (
    <pre class="log" tabIndex={0} role="log" aria-live="off" aria-label="Log">
      {log.cut ? '…\n' : ''}
      {log.lines.length === 0 ? '(the container has said nothing)' : log.lines.join('\n')}
    </pre>
  );
}
