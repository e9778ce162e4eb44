/**
 * The process that leads a job on this machine: it writes who it is before it does anything else, so that two launches start
 * one, and it is known again after `kill -9` and told from a later process of the same number.
 */
import { readFile } from 'node:fs/promises';
import { hasCode } from './errors.ts';
import { bootId, processGroup, processInfo, signalGroup } from './proc.ts';

/** noclobber: `>` fails when the file is there. */
export const LEADER = `set -C
read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/$$/stat || exit 70
echo "$boot $stat" >"$1" 2>/dev/null || exit 0
set +C
shift
unset boot stat
exec sh "$@"`;

export interface Leader {
  boot: string;
  pid: number;
  startTime: string;
}

/** Boot id, then the line of /proc/PID/stat. */
const LINE = /^(\S+) (\d+) \(.*\) (.*)\n$/;

/** `undefined` when there is no file, or none that was written whole. */
export async function readLeader(pidFile: string): Promise<Leader | undefined> {
  let text: string;
  try {
    text = await readFile(pidFile, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  const match = LINE.exec(text);
  if (!match) return undefined;
  const [, boot = '', pid = '', rest = ''] = match;
  return { boot, pid: Number(pid), startTime: rest.split(' ')[19] ?? '' };
}

export async function isAlive(leader: Leader): Promise<boolean> {
  if (leader.boot !== (await bootId())) return false;
  const found = await processInfo(leader.pid);
  return found !== undefined && found.state !== 'Z' && found.startTime === leader.startTime;
}

/** Kills what is left of a group whose leader is gone. A leader with another start time means that the number went on. */
export async function killRest(leader: Leader): Promise<void> {
  if (leader.boot !== (await bootId())) return;
  const now = await processInfo(leader.pid);
  if (now && now.startTime !== leader.startTime) return;
  if ((await processGroup(leader.pid)).length > 0) signalGroup(leader.pid, 'SIGKILL');
}
