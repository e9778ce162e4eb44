/** Releases and pushes: from a commit, by digest, with a login of its own, and never over a version. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findEngine, type Engine } from '../../lib/local/engine.ts';
import type { Pushed } from '../../cli/push.ts';
import { startEcr, type Ecr } from '../doubles/ecr.ts';
import { copyProject, type ProjectCopy } from '../tools/project-copy.ts';

const TIMEOUT_MS = 5 * 60_000;
const NAME = `push-${process.pid}`;
const IMAGE = `longshore/${NAME}`;

const isThere = spawnSync('docker-registry', ['--version'], { stdio: 'ignore' }).error === undefined;
if (!isThere)
  console.warn(
    'Pushing images is not tested: docker-registry is not installed (apt-get install docker-registry)',
  );
const describeHere = isThere ? describe : describe.skip;

describeHere('images of a version', () => {
  let engine: Engine;
  let project: ProjectCopy;
  let ecr: Ecr;
  let folder: string;
  let env: Record<string, string>;

  const git = async (...args: string[]): Promise<string> => {
    const who = ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.com'];
    return (await execa('git', [...who, ...args], { cwd: project.dir })).stdout;
  };
  const longshore = async (...args: string[]) => await project.longshore(args, env);
  const fileIn = async (image: string): Promise<string> => {
    const args = ['run', '--rm', '--network=none', '--entrypoint=cat', image, '/version.txt'];
    return (await execa(engine.kind, args)).stdout;
  };
  const told = async (...args: string[]): Promise<string> => (await longshore('image', ...args)).stderr;
  const push = async (...args: string[]): Promise<Pushed> => {
    const { code, stdout, stderr } = await longshore(
      'image',
      'push',
      NAME,
      '--stage',
      'test',
      '--json',
      ...args,
    );
    if (code !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as Pushed[])[0]!;
  };

  beforeAll(async () => {
    const { engine: found } = await findEngine();
    if (!found) throw new Error('No container engine. Run: npm run setup');
    engine = found;
    project = await copyProject();
    folder = await mkdtemp(join(tmpdir(), 'longshore-push-test-'));
    ecr = await startEcr(join(folder, 'registry'));
    await writeFile(join(folder, 'auth.json'), '{}');
    env = {
      AWS_ENDPOINT_URL_ECR: ecr.apiUrl,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'eu-west-1',
      // The engine's own login is not to be touched.
      REGISTRY_AUTH_FILE: join(folder, 'auth.json'),
    };
    await longshore('new', 'task', NAME, '--handler', 'shell');
    await appendFile(join(project.dir, `containers/${NAME}/Dockerfile`), 'COPY version.txt /version.txt\n');
    await writeFile(join(project.dir, `containers/${NAME}/version.txt`), 'committed\n');
    await git('init', '--quiet');
    // A link here, which the pattern for the folder does not fit.
    await appendFile(join(project.dir, '.git/info/exclude'), 'node_modules\n');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'first');
    await git('tag', 'v1.0.0');
  }, TIMEOUT_MS);

  afterAll(async () => {
    const listed = await execa(engine.kind, ['images', '--format', '{{.Repository}}:{{.Tag}}'], {
      reject: false,
    });
    const ours = listed.stdout.split('\n').filter((name) => name.includes(NAME));
    await execa(engine.kind, ['rmi', '--force', ...ours], { reject: false });
    await ecr.close();
    await project.remove();
    await rm(folder, { recursive: true, force: true });
  }, TIMEOUT_MS);

  test(
    'a release is the commit as it is; a build is the working tree',
    async () => {
      await writeFile(join(project.dir, `containers/${NAME}/version.txt`), 'being worked on\n');
      const commit = (await git('rev-parse', '--short=12', 'HEAD')).trim();
      const released = await longshore('image', 'build', NAME, '--release', 'v1.0.0', '--json');
      expect(JSON.parse(released.stdout)).toEqual([
        { task: NAME, tags: [`${IMAGE}:v1.0.0`, `${IMAGE}:${commit}`] },
      ]);
      const built = await longshore('image', 'build', NAME, '--json');
      expect(JSON.parse(built.stdout)).toEqual([
        { task: NAME, tags: [`${IMAGE}:develop`, `${IMAGE}:latest`] },
      ]);
      expect(await fileIn(`${IMAGE}:v1.0.0`)).toBe('committed');
      expect(await fileIn(`${IMAGE}:develop`)).toBe('being worked on');
    },
    TIMEOUT_MS,
  );

  test(
    'a push logs in by itself, and the stack names the image by its digest',
    async () => {
      const pushed = await push('--tag', 'v1.0.0');
      expect(ecr.tokens).toBe(1);
      expect(pushed).toMatchObject({ pushed: true, name: `${ecr.host}/longshore-test/${IMAGE}:v1.0.0` });
      const record = JSON.parse(
        await readFile(join(project.dir, '.longshore/images.test.json'), 'utf8'),
      ) as object;
      expect(record).toMatchObject({
        [IMAGE]: { digest: pushed.digest, tag: 'v1.0.0', registry: `${ecr.host}/longshore-test` },
      });
    },
    TIMEOUT_MS,
  );

  test(
    'the same version once more is the same image, and is not pushed again',
    async () => {
      const again = await push('--tag', 'v1.0.0');
      expect(again).toMatchObject({ pushed: false });
      const { stdout } = await longshore('image', 'push', NAME, '--stage', 'test', '--tag', 'v1.0.0');
      expect(stdout).toContain(`${again.digest}  (it was there)`);
    },
    TIMEOUT_MS,
  );

  test(
    'a version that only the registry has is written down as it is there: going back needs no build',
    async () => {
      const before = await push('--tag', 'v1.0.0');
      await execa(engine.kind, ['rmi', `${IMAGE}:v1.0.0`], { reject: false });
      expect(await push('--tag', 'v1.0.0')).toMatchObject({ pushed: false, digest: before.digest });
    },
    TIMEOUT_MS,
  );

  test(
    'another image under a version that is there is refused; other tags move',
    async () => {
      const first = await push('--tag', 'develop');
      await execa(engine.kind, ['tag', `${IMAGE}:develop`, `${IMAGE}:v1.0.0`]);
      const refused = await longshore('image', 'push', NAME, '--stage', 'test', '--tag', 'v1.0.0');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`v1.0.0 already, and it is another image (sha256:`);
      await writeFile(join(project.dir, `containers/${NAME}/version.txt`), 'changed again\n');
      await longshore('image', 'build', NAME);
      const second = await push('--tag', 'develop');
      expect(second.digest).not.toBe(first.digest);
    },
    TIMEOUT_MS,
  );

  test(
    'what is asked for wrongly is refused with what to do',
    async () => {
      await git('commit', '--quiet', '--all', '--message', 'second');
      expect(await told('build', NAME, '--release', '1.0')).toContain('"1.0" is no version: give vX.Y.Z');
      expect(await told('build', NAME, '--release', 'v1.0.0', '--commit', 'HEAD')).toContain(
        'The git tag v1.0.0 is commit',
      );
      expect(await told('build', NAME, '--commit', 'HEAD')).toContain('--commit goes with --release');
      expect(await told('push', NAME, '--tag', 'v9.9.9')).toContain(
        `longshore image build ${NAME} --release v9.9.9`,
      );
      expect(await told('test', NAME)).toContain(`containers/${NAME}/test.sh is not there`);
    },
    TIMEOUT_MS,
  );
});
