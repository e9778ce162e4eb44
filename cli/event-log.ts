/** The pipeline's log in `longshore up`: one line per thing that happens to a job; with `--json` every event as it is. */
import type { Log, LogFields } from '../lib/ports.ts';
import type { FargateSize } from '../lib/ports.ts';
import { formatBytes, printable } from './format.ts';
import { eventText } from './note-log.ts';
import type { Output } from './streams.ts';

/** Events that a person wants to see; of others only warnings and errors are shown. */
const LINES: Record<string, (fields: LogFields) => string | undefined> = {
  // A job that is refused at once ends in the same breath: its end is the line.
  'Job:Accept:Done': ({ name, bytes, state }) =>
    state === 'waiting'
      ? `accepted     ${text(name)}${bytes ? `  ${formatBytes(Number(bytes))}` : ''}`
      : undefined,
  // The part that completes a granule is told by the job that begins.
  'Upload:Collect:Done': ({ granule, key, state }) =>
    state === 'collecting'
      ? `collected    ${text(granule)}: ${text(key).replace(/^.*\//, '')} has come, others are waited for`
      : undefined,
  'Task:Launch:Done': ({ name, attempt, size, jobs }) => {
    const { vcpu, memoryMiB } = size as FargateSize;
    const what =
      jobs === undefined ? `attempt ${text(attempt)}` : `and ${Number(jobs) - 1} more in one container`;
    return `started      ${text(name)}  ${what}, ${vcpu} vCPU, ${memoryMiB} MiB`;
  },
  'Schedule:Start:Done': ({ run, jobs, fresh }) =>
    `scheduled    ${text(run)}  ${text(jobs)} jobs to make, ${text(fresh)} fresh`,
  'Job:End:Published': ({ name }) => `published    ${text(name)}`,
  'Job:End:Quarantined': (fields) => `quarantined  ${ended(fields)}`,
  'Job:End:Failed': (fields) => `failed       ${ended(fields)}`,
  'Job:End:Cancelled': (fields) => `cancelled    ${ended(fields)}`,
};

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const ended = ({ name, reason }: LogFields): string =>
  `${text(name)}${reason === undefined ? '' : `: ${text(reason)}`}`;

export function eventLog(out: Output, json: boolean, base: LogFields = {}): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      const line = json
        ? jsonLine(level, event, { ...base, ...fields })
        : eventLine(level, event, { ...base, ...fields });
      if (line !== undefined) out.line(line);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => eventLog(out, json, { ...base, ...fields }),
  };
}

function jsonLine(level: string, event: string, fields: LogFields): string | undefined {
  if (level === 'debug') return undefined;
  return JSON.stringify({ time: new Date().toISOString(), level, event, ...fields });
}

/** `undefined`: nothing to tell a person. */
export function eventLine(level: string, event: string, fields: LogFields): string | undefined {
  const known = LINES[event];
  const line = known
    ? known(fields)
    : level === 'warn' || level === 'error'
      ? `${event}  ${eventText(fields)}`
      : undefined;
  return line === undefined ? undefined : `${new Date().toTimeString().slice(0, 8)}  ${printable(line)}`;
}
