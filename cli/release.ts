/** Images of a version: built from a commit as it is, and not from the working tree. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Engine } from '../lib/local/engine.ts';
import { CliError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { buildFolder, parentsOf, type Imaged } from './images.ts';
import { PROJECT } from './project.ts';

export interface ReleaseOptions {
  /** vX.Y.Z. */
  version: string;
  /** Default: the version's git tag, or else HEAD. */
  commit?: string;
  stdio: 'inherit' | 'ignore';
}

const VERSION = /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/**
 * Returns the tags: the version and the commit. Throws {@link UsageError} for what is no version, or is the git tag of another
 * commit; {@link CliError} when the build fails.
 */
export async function buildRelease(
  engine: Engine,
  tasks: Imaged[],
  options: ReleaseOptions,
): Promise<Map<string, string[]>> {
  const { version, stdio } = options;
  if (!VERSION.test(version)) throw new UsageError(`"${version}" is no version: give vX.Y.Z, e.g. v1.4.0`);
  const commit = await commitOf(version, options.commit);
  const folder = await mkdtemp(join(tmpdir(), 'longshore-release-'));
  try {
    await extract(commit, folder);
    const names = [version, commit.slice(0, 12)];
    const built = new Map<string, string[]>();
    for (const task of tasks) built.set(task.name, await buildOne(engine, task, folder, { names, stdio }));
    return built;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** With what it starts from, of the same version. */
async function buildOne(
  engine: Engine,
  task: Imaged,
  project: string,
  options: { names: string[]; stdio: ReleaseOptions['stdio'] },
): Promise<string[]> {
  const folder = join(project, 'containers', task.name);
  const dockerfile = join(folder, 'Dockerfile');
  if (!existsSync(dockerfile))
    throw new UsageError(
      `That commit has no containers/${task.name}/Dockerfile: ${task.image} is not built from it`,
    );
  const [version] = options.names;
  for (const parent of await parentsOf(folder)) {
    await buildOne(engine, parent, project, options);
    const text = await readFile(dockerfile, 'utf8');
    const from = new RegExp(
      String.raw`^(FROM\s+(?:--\S+\s+)*)(?:localhost/)?${parent.image}(?::\S+)?`,
      'gim',
    );
    await writeFile(dockerfile, text.replace(from, `$1${parent.image}:${version}`));
  }
  return await buildFolder(engine, task, folder, options);
}

async function commitOf(version: string, asked: string | undefined): Promise<string> {
  const tagged = await resolve(`refs/tags/${version}`);
  const commit = asked === undefined ? (tagged ?? (await resolve('HEAD'))) : await resolve(asked);
  if (commit === undefined)
    throw new UsageError(
      asked === undefined ? `${PROJECT} is no git clone with a commit` : `There is no commit ${asked}`,
    );
  if (tagged !== undefined && tagged !== commit)
    throw new UsageError(
      `The git tag ${version} is commit ${tagged.slice(0, 12)}, not ${commit.slice(0, 12)}`,
    );
  return commit;
}

async function resolve(name: string): Promise<string | undefined> {
  const { exitCode, stdout } = await execa('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`], {
    cwd: PROJECT,
    reject: false,
  });
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** The commit's files, and the packages that are installed: those must be the commit's too. */
async function extract(commit: string, folder: string): Promise<void> {
  const tar = join(folder, 'commit.tar');
  const archived = await execa('git', ['archive', '--format=tar', `--output=${tar}`, commit], {
    cwd: PROJECT,
    reject: false,
  });
  if (archived.exitCode !== 0)
    throw new CliError(`git could not give commit ${commit}: ${archived.stderr}`, EXIT.failed);
  await execa('tar', ['-xf', tar, '-C', folder]);
  await rm(tar);
  const [theirs, ours] = await Promise.all(
    [folder, PROJECT].map(async (dir) => await readFile(join(dir, 'package-lock.json'), 'utf8')),
  );
  if (theirs !== ours)
    throw new UsageError(
      `package-lock.json of commit ${commit.slice(0, 12)} is another: check that commit out, and npm ci`,
    );
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
}
