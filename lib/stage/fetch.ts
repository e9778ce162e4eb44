/**
 * The step that fetches, before the command: by a `run.sh` of its own, in a control folder of its own below the command's. On
 * Fargate it is a container of its own, so that its end is an event; on one machine the same container goes on with the command.
 */
import { copyFile, mkdir, chmod, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFile } from '../local/durable.ts';
import { hasCode } from '../local/errors.ts';
import { quote } from './env-script.ts';
import type { AttemptLayout } from './layout.ts';

/** How run.sh begins what it writes of a command that went well: read by its neighbours on Fargate with a shell's own means. */
export const WENT_WELL = '{"exitCode":0,';

/** Puts the script where the step finds it; its log is the command's own. */
export async function prepareFetch(
  { fetch, runScript, log }: AttemptLayout,
  { anyUser = false }: { anyUser?: boolean } = {},
): Promise<void> {
  await mkdir(fetch.control, { recursive: true });
  if (anyUser) await chmod(fetch.control, 0o777);
  await replaceFile(fetch.runScript, async (temp) => await copyFile(runScript, temp));
  await symlink(join('..', basename(log)), fetch.log).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
}

/** What the step's run.sh becomes when it went well. `words`: of `sh`. */
export async function writeNext({ fetch }: AttemptLayout, words: string[]): Promise<void> {
  const line = `exec sh ${words.map(quote).join(' ')}\n`;
  await replaceFile(fetch.next, async (temp) => await writeFile(temp, line));
}

/** Whether the step is done, and went well. */
export async function hasFetched({ fetch }: AttemptLayout): Promise<boolean> {
  try {
    return (await readFile(fetch.exit, 'utf8')).startsWith(WENT_WELL);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
