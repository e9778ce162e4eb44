/** What goes wrong again and again is told once a minute: a full disk, or a broken record, would fill the log too. */
import { performance } from 'node:perf_hooks';
import type { Log, LogFields } from '../ports.ts';

const SAME_FAULT_MS = 60_000;

export function patientLog(log: Log, now: () => number = () => performance.now()): Log {
  return patient(log, now, new Map(), {});
}

function patient(log: Log, now: () => number, told: Map<string, number>, base: LogFields): Log {
  const isNews = (event: string, fields: LogFields): boolean => {
    for (const [old, at] of told) if (now() - at >= SAME_FAULT_MS) told.delete(old);
    const fault = JSON.stringify([event, base, fields]);
    if (told.has(fault)) return false;
    told.set(fault, now());
    return true;
  };
  const once =
    (level: 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      if (isNews(event, fields)) log[level](event, fields);
    };
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => log.info(event, fields),
    warn: once('warn'),
    error: once('error'),
    with: (fields) => patient(log.with(fields), now, told, { ...base, ...fields }),
  };
}
