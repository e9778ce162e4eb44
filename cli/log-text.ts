/** One line of a job's log (JSON) as a person reads it. */

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
]);

import { progressOf, progressText } from './progress-line.ts';

/** `12:00:01 info  Land:Clip:Done  clipped 12 polygons  polygons=12`. Lines that are not JSON are given back. */
export function logText(line: string): string {
  const fields = parseLine(line);
  if (!fields) return line;
  const progress = progressOf(fields);
  if (progress) return `progress  ${progressText(progress)}`;
  const rest = Object.entries(fields)
    .filter(([name]) => !SHOWN_APART.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const { level, event, message, timestamp } = fields;
  return [timestamp, level, event, message, ...rest]
    .filter((part) => part !== undefined && part !== '')
    .join('  ');
}

export function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
