/**
 * The pipeline's log in files of the home: `logs/2026-11-24.jsonl`, one for each day in UTC. By days, and not by size, since
 * any number of processes write to one: nobody has to rename what another is writing to.
 */
import { appendFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, LogFields } from '../ports.ts';
import { isDiskFull, messageOf } from './errors.ts';

/** Files that are older are removed when a new one begins. */
export const KEPT_DAYS = 30;

const DAY = /^(\d{4}-\d\d-\d\d)\.jsonl$/;

/** Writes to files below `dir` and to `log`. What cannot be written is told to `log`, once a day, and stops nothing. */
export function fileLog(dir: string, log: Log, now: () => Date = () => new Date()): Log {
  return tee(new DailyFiles(dir, log, now), log, {});
}

function tee(files: DailyFiles, log: Log, fields: LogFields): Log {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, more: LogFields = {}): void => {
      if (level !== 'debug') files.add(level, event, { ...fields, ...more });
      log[level](event, more);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (more) => tee(files, log.with(more), { ...fields, ...more }),
  };
}

class DailyFiles {
  readonly #dir: string;
  readonly #log: Log;
  readonly #now: () => Date;
  #day = '';
  #troubled = '';

  constructor(dir: string, log: Log, now: () => Date) {
    this.#dir = dir;
    this.#log = log;
    this.#now = now;
  }

  /** At once: a line that was told before a process was killed is in the file. It is appended whole. */
  add(level: string, event: string, fields: LogFields): void {
    const time = this.#now().toISOString();
    const day = time.slice(0, 10);
    try {
      if (day !== this.#day) this.#begin(day);
      appendFileSync(
        join(this.#dir, `${day}.jsonl`),
        `${JSON.stringify({ time, level, event, ...fields })}\n`,
      );
    } catch (error) {
      if (this.#troubled === day) return;
      this.#troubled = day;
      const reason = isDiskFull(error) ? 'The disk is full' : messageOf(error);
      this.#log.warn('Log:Write:Failed', { dir: this.#dir, reason });
    }
  }

  #begin(day: string): void {
    mkdirSync(this.#dir, { recursive: true });
    this.#day = day;
    const oldest = new Date(Date.parse(day) - KEPT_DAYS * 86_400_000).toISOString().slice(0, 10);
    for (const name of readdirSync(this.#dir)) {
      const [, of] = DAY.exec(name) ?? [];
      if (of !== undefined && of < oldest) rmSync(join(this.#dir, name), { force: true });
    }
  }
}
