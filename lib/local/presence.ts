/** Which processes serve a home: one file for each, named by what makes a process unique. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from './durable.ts';
import { bootId, processInfo } from './proc.ts';

const NAME = /^(\d+)-(\d+)-(\S+)$/;

/**
 * Announces this process. `alone`: no other one that serves this home is alive, so what was under way when the last one was
 * killed can be taken up at once. Of two that start at the same moment neither is: then the time-outs decide.
 */
export async function enter(folder: string): Promise<{ alone: boolean; leave(): Promise<void> }> {
  await mkdir(folder, { recursive: true });
  const boot = await bootId();
  const me = await processInfo(process.pid);
  const mine = `${process.pid}-${me?.startTime ?? 0}-${boot}`;
  await writeFile(join(folder, mine), '');
  let alone = true;
  for (const name of await readdir(folder)) {
    const [, pid = '', startTime, itsBoot] = NAME.exec(name) ?? [];
    if (name === mine) continue;
    const alive = itsBoot === boot && (await processInfo(Number(pid)))?.startTime === startTime;
    if (alive) alone = false;
    else await removeFile(join(folder, name));
  }
  return { alone, leave: async () => await removeFile(join(folder, mine)) };
}
