/** What a task needs of this machine when it runs without a container: tools on the PATH, and what its own check says. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { hasCode } from './errors.ts';
import { passedOn } from './passed-on.ts';

/** It looks at files; a minute is more than it needs. */
const CHECK_TIMEOUT_MS = 60_000;

/** Why the task cannot run on this machine without an engine, as a sentence; `undefined` when it can. */
export async function lackOfTools(
  { name, host }: TaskDefinition,
  projectRoot: string,
  whyNoEngine: string,
): Promise<string | undefined> {
  const noEngine = `there is no container engine (${whyNoEngine})`;
  if (!host)
    return `${name} runs in a container only, and ${noEngine}. Install podman: sudo apt-get install podman`;
  const missing: [string, string][] = [];
  for (const [tool, debianPackage] of Object.entries(host.tools)) {
    if (!(await onPath(tool))) missing.push([tool, debianPackage]);
  }
  if (missing.length === 0) {
    const found = await check(host.check, projectRoot);
    return found && `${name} cannot run on this machine: ${found}; and ${noEngine}`;
  }
  const tools = missing
    .map(([tool, debianPackage]) => `${tool} (Debian package ${debianPackage})`)
    .join(', ');
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(' ');
  return (
    `${name} cannot run on this machine: ${tools} ${missing.length === 1 ? 'is' : 'are'} missing, and ${noEngine}; ` +
    `install podman, or: sudo apt-get install ${packages}`
  );
}

/** The task's own look at what the PATH does not tell: what it says is missing. */
async function check(words: string[] | undefined, projectRoot: string): Promise<string | undefined> {
  const [command, ...args] = words ?? [];
  if (command === undefined) return undefined;
  const { exitCode, stdout, stderr, shortMessage } = await execa(command, args, {
    cwd: projectRoot,
    env: passedOn(),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: CHECK_TIMEOUT_MS,
  });
  if (exitCode === 0) return undefined;
  return (
    findings(stdout) ?? (stdout.trim() || stderr.trim() || (shortMessage ?? 'its check does not say why'))
  );
}

const Findings = z.object({ missing: z.array(z.string()), install: z.string().optional() });

/** What a task's check prints, as a sentence. */
function findings(stdout: string): string | undefined {
  try {
    const { missing, install } = Findings.parse(JSON.parse(stdout));
    return `missing: ${missing.join(', ')}${install === undefined ? '' : `; install them with: ${install}`}`;
  } catch {
    return undefined; // then its own words are told as they are
  }
}

async function onPath(tool: string): Promise<boolean> {
  const folders = tool.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter);
  for (const folder of folders) {
    try {
      await access(join(folder, tool), constants.X_OK);
      return true;
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    }
  }
  return false;
}
