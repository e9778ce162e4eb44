/** One line of a job's log (JSON) as a person reads it. */
import { PLAIN_TEXT, progressOf, progressText } from './progress-line.ts';

const SHOWN_APART = new Set([
  'level',
  'event',
  'message',
  'stream',
  'timestamp',
  'time',
  'stage',
  'percent',
  'bytes',
  'totalBytes',
  // Whose log it is has been asked.
  'job',
  'run',
  'task',
  'attempt',
  'name',
]);

/** `12:00:01 info  Land:Clip:Done  clipped 12 polygons  polygons=12`. Lines that are not JSON are given back. */
export function logText(line: string): string {
  const fields = parseLine(line);
  if (!fields) return line;
  const progress = progressOf(fields);
  if (progress) return `progress  ${progressText(progress)}`;
  const rest = Object.entries(fields)
    .filter(([name]) => !SHOWN_APART.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const { level, event, message, timestamp, time } = fields;
  return [timeOfDay(time ?? timestamp), level, event === PLAIN_TEXT ? undefined : event, message, ...rest]
    .filter((part) => part !== undefined && part !== '')
    .join('  ');
}

/** `12:00:01` of an ISO time, in UTC as it is written. */
const timeOfDay = (time: unknown): unknown =>
  typeof time === 'string' ? (/T(\d\d:\d\d:\d\d)/.exec(time)?.[1] ?? time) : undefined;

export function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
