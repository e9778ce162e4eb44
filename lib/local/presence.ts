/** Which processes serve a home: one file for each, named by what makes a process unique. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from './durable.ts';
import { bootId, processInfo } from './proc.ts';
import { readIfThere } from './read-if-there.ts';

const NAME = /^(\d+)-(\d+)-(\S+)$/;

/** Of a process that serves every run, and drops; that of one run alone has its name. */
const ALL = '*';

/**
 * Announces this process. `alone`: no other one that serves this home is alive, so what was under way when the last one was
 * killed can be taken up at once. Of two that start at the same moment neither is: then the time-outs decide.
 */
export async function enter(
  folder: string,
  run?: string,
): Promise<{ alone: boolean; leave(): Promise<void> }> {
  await mkdir(folder, { recursive: true });
  const mine = await nameOf(process.pid);
  await writeFile(join(folder, mine), run ?? ALL);
  const alone = (await others(folder)).length === 0;
  return { alone, leave: async () => await removeFile(join(folder, mine)) };
}

/** Whether another process serves all of the home: one that is alive, and not stopped. */
export async function isServed(folder: string): Promise<boolean> {
  for (const { name, state } of await others(folder))
    if (state !== 'T' && state !== 'Z' && (await readIfThere(join(folder, name))) === ALL) return true;
  return false;
}

async function nameOf(pid: number): Promise<string> {
  return `${pid}-${(await processInfo(pid))?.startTime ?? 0}-${await bootId()}`;
}

/** Those that are alive; the files of the dead are removed. */
async function others(folder: string): Promise<{ name: string; state: string }[]> {
  const boot = await bootId();
  const alive: { name: string; state: string }[] = [];
  for (const name of await readdir(folder)) {
    const [, pid = '', startTime, itsBoot] = NAME.exec(name) ?? [];
    if (itsBoot === boot && Number(pid) === process.pid) continue;
    const info = itsBoot === boot ? await processInfo(Number(pid)) : undefined;
    if (info && info.startTime === startTime) alive.push({ name, state: info.state });
    else await removeFile(join(folder, name));
  }
  return alive;
}
