/** Several jobs in one container: what `pack.sh` needs to do them one after another. */
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceFile } from '../local/durable.ts';
import type { LaunchMember } from '../ports.ts';
import { envScript } from './env-script.ts';

/** In the source tree; a bundle has it beside itself and says so. */
export const PACK_SCRIPT = fileURLToPath(new URL('../../containers/stage/pack.sh', import.meta.url));

export interface PackMember {
  member: Pick<LaunchMember, 'job' | 'attempt' | 'env' | 'deadlineSeconds'>;
  /** The member's control folder on this machine. */
  control: string;
  /** The member's folder as the container sees it. No newline can be in it. */
  dir: string;
}

/** Where a container has the folders of its members: `members/1`, `members/2`, … below its own. */
export const memberFolder = (index: number): string => `members/${index + 1}`;

/** Writes the script and its list to the launch's control folder, and each member's environment to the member's own. */
export async function writePack(
  control: string,
  members: PackMember[],
  { script = PACK_SCRIPT, anyUser = false }: { script?: string; anyUser?: boolean } = {},
): Promise<void> {
  await mkdir(control, { recursive: true });
  if (anyUser) await chmod(control, 0o777);
  const list = members.map(({ member: { job, attempt, deadlineSeconds }, dir }) => {
    if (dir.includes('\n')) throw new Error(`The folder ${JSON.stringify(dir)} has a line break in its name`);
    return `${Math.ceil(deadlineSeconds)} ${job} ${attempt} ${dir}\n`;
  });
  // By rename: a shell reads its script as it goes, and an earlier launch's may be running. After a power cut none is.
  for (const one of members) {
    await replaceFile(join(one.control, 'env.sh'), (temp) => writeFile(temp, envScript(one.member.env)));
  }
  await replaceFile(join(control, 'members'), (temp) => writeFile(temp, list.join('')));
  await replaceFile(join(control, 'pack.sh'), async (temp) => {
    await copyFile(script, temp);
    await chmod(temp, 0o755);
  });
}
