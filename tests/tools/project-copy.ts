/** A copy of this project, as a clone is: for tests of what changes its files. */
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../../cli/project.ts';

export interface ProjectCopy {
  dir: string;
  longshore(
    args: string[],
    env?: Record<string, string>,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** A program of node_modules/.bin, with its arguments. */
  tool(...command: string[]): Promise<{ code: number; all: string }>;
  remove(): Promise<void>;
}

/** What git knows or would take, and node_modules by a link. */
export async function copyProject(): Promise<ProjectCopy> {
  const dir = await mkdtemp(join(tmpdir(), 'longshore-project-'));
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await execa('git', listed, { cwd: PROJECT });
  for (const name of stdout.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    // Deleted and not committed: as if it were not there.
    await cp(join(PROJECT, name), join(dir, name)).catch(() => {});
  }
  await symlink(join(PROJECT, 'node_modules'), join(dir, 'node_modules'));
  // Jest's own options are not the command's.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const options = { cwd: dir, env, extendEnv: false, reject: false, stdin: 'ignore' } as const;
  return {
    dir,
    async longshore(args, more = {}) {
      const command = [join(dir, 'cli/longshore.mjs'), ...args];
      const ended = await execa(process.execPath, command, { ...options, env: { ...env, ...more } });
      return { code: ended.exitCode ?? -1, stdout: ended.stdout, stderr: ended.stderr };
    },
    async tool(name = '', ...args) {
      const ended = await execa(join(dir, 'node_modules/.bin', name), args, { ...options, all: true });
      return { code: ended.exitCode ?? -1, all: ended.all };
    },
    remove: async () => await rm(dir, { recursive: true, force: true }),
  };
}
