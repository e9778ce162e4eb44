/** A log that keeps what is written to it. */
import type { Log, LogFields } from '../../../lib/ports.ts';

export interface LogLine extends LogFields {
  level: string;
  event: string;
}

export interface QuietLog extends Log {
  lines: LogLine[];
}

export function quietLog(lines: LogLine[] = [], fields: LogFields = {}): QuietLog {
  const write =
    (level: string) =>
    (event: string, more: LogFields = {}): void => {
      lines.push({ ...fields, ...more, level, event });
    };
  return {
    lines,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (more) => quietLog(lines, { ...fields, ...more }),
  };
}
