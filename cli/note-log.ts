/** The pipeline's log in verbs that tell a job's end themselves: only trouble is shown, a line each on stderr. */
import type { Log, LogFields } from '../lib/ports.ts';
import type { Output } from './streams.ts';

/** How a job ended is told by the verb, with the receipt; it is not said twice. */
const toldByVerb = (event: string): boolean => event.startsWith('Job:End:');

const silent = (): void => {};

export function noteLog(out: Output, base: LogFields = {}): Log {
  const note = (event: string, fields: LogFields = {}): void => {
    if (!toldByVerb(event)) out.note(`${event}  ${eventText({ ...base, ...fields })}`);
  };
  return {
    debug: silent,
    info: silent,
    warn: note,
    error: note,
    with: (fields) => noteLog(out, { ...base, ...fields }),
  };
}

/** `job=… name=… reason="…"`; where in the code it happened is in the log file. */
export function eventText(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([name, value]) => value !== undefined && name !== 'stack')
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && !/[\s="]/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join('  ');
}
