/** Processes of this machine, as /proc tells about them. */
import { readdir, readFile } from 'node:fs/promises';
import { hasCode } from './errors.ts';

export interface ProcessInfo {
  pid: number;
  /** One letter: `Z` is a zombie. */
  state: string;
  processGroup: number;
  /** Clock ticks after boot: with the pid, and the boot's id, it names one process for ever. */
  startTime: string;
}

/** `undefined` when there is no such process. */
export async function processInfo(pid: number): Promise<ProcessInfo | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  // proc(5): `pid (name) state ppid pgrp …`, and a name may contain anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', , group = ''] = fields;
  return { pid, state, processGroup: Number(group), startTime: fields[19] ?? '' };
}

export const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/** Living processes of a group. */
export async function processGroup(group: number): Promise<ProcessInfo[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(names.map((name) => processInfo(Number(name))));
  return all.filter(
    (one) => one !== undefined && one.processGroup === group && one.state !== 'Z',
  ) as ProcessInfo[];
}

/** False when there is nobody left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
}
