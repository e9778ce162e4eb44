/** Which container engine is found, among programs that only pretend to be one. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EngineHost } from '../../lib/local/engine-runner.ts';
import { askEngine, EngineUnusableError, findEngine } from '../../lib/local/engine.ts';
import { quietLog } from '../contract/support/quiet-log.ts';

const PODMAN_INFO = JSON.stringify({
  host: { cgroupControllers: ['memory', 'cpu'], security: { rootless: false } },
  version: { Version: '4.3.1' },
});
const DOCKER_INFO = JSON.stringify({ ServerVersion: '28.2.2', SecurityOptions: ['name=rootless'] });

let folder: string;
/** Folders for PATH, by what is in them. */
const bin = (name: string): string => join(folder, name);

const program = (info: string): string =>
  `#!/bin/sh\ncase $1 in --version) echo version 1 ;; *) ${info} ;; esac\n`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-engines-'));
  const deadDocker = program('echo "Cannot connect to the Docker daemon" >&2; exit 1');
  const podman = program(`echo '${PODMAN_INFO}'`);
  const programs: [string, string, string][] = [
    ['both', 'docker', program(`echo '${DOCKER_INFO}'`)],
    ['both', 'podman', podman],
    ['clientOnly', 'docker', deadDocker],
    ['clientOnly', 'podman', podman],
    ['dead', 'docker', deadDocker],
    ['broken', 'podman', '#!/bin/sh\necho "libgpgme.so.11: cannot open" >&2; exit 127\n'],
    ['forgetful', 'podman', '#!/bin/sh\necho "Error: no such container" >&2; exit 1\n'],
    // What it started holds its output open.
    ['hanging', 'podman', '#!/bin/sh\nsleep 60 & sleep 60\n'],
  ];
  for (const [where, name, text] of programs) {
    await mkdir(bin(where), { recursive: true });
    await writeFile(join(bin(where), name), text, { mode: 0o755 });
  }
});

afterAll(async () => await rm(folder, { recursive: true }));

test('docker, when its daemon answers', async () => {
  expect((await findEngine({ PATH: bin('both') })).engine).toEqual({
    kind: 'docker',
    version: '28.2.2',
    rootless: true,
    limits: { memory: true, cpu: true },
  });
});

test('podman, where docker is a client without a daemon', async () => {
  const { engine, tried } = await findEngine({ PATH: bin('clientOnly') });
  expect(engine).toMatchObject({ kind: 'podman', version: '4.3.1', limits: { memory: true, cpu: true } });
  expect(tried[0]).toMatch(/^docker: its daemon does not answer \(Cannot connect/);
});

test('none, and why each of them is not used', async () => {
  const { engine, tried } = await findEngine({ PATH: bin('dead') });
  expect(engine).toBeUndefined();
  expect(tried).toEqual([expect.stringMatching(/^docker: its daemon/), 'podman: not installed']);
});

test('a program that is there and does not work is told from one that is not there', async () => {
  const { tried } = await findEngine({ PATH: bin('broken') });
  expect(tried).toEqual([
    'docker: not installed',
    'podman: it does not say its version (libgpgme.so.11: cannot open)',
  ]);
});

test('the one that LONGSHORE_ENGINE names, or an error: never another one quietly', async () => {
  const podman = await findEngine({ PATH: bin('both'), LONGSHORE_ENGINE: 'podman' });
  expect(podman.engine?.kind).toBe('podman');
  expect((await findEngine({ PATH: bin('both'), LONGSHORE_ENGINE: 'none' })).engine).toBeUndefined();
  await expect(findEngine({ PATH: bin('clientOnly'), LONGSHORE_ENGINE: 'docker' })).rejects.toThrow(
    /LONGSHORE_ENGINE=docker, but it cannot be used/,
  );
  await expect(findEngine({ PATH: bin('both'), LONGSHORE_ENGINE: 'lxc' })).rejects.toThrow(
    'LONGSHORE_ENGINE is "lxc"; it can be docker, podman, none',
  );
});

test('an engine that was asked for and cannot be used is an error of its own kind', async () => {
  await expect(findEngine({ PATH: bin('broken'), LONGSHORE_ENGINE: 'podman' })).rejects.toThrow(
    EngineUnusableError,
  );
});

test('an engine that hangs is killed with all that it started, and counts as no answer', async () => {
  const env = { PATH: `${bin('hanging')}:${process.env.PATH}` };
  expect(await askEngine('podman', ['info'], { env, timeoutSeconds: 0.2 })).toEqual({
    exitCode: -1,
    stdout: '',
    stderr: 'podman info: it did not answer within 0.2 s',
    isInstalled: true,
  });
});

const remove = async (path: string): Promise<void> => {
  process.env.PATH = path;
  const engine = { version: '1', rootless: false, limits: { memory: true, cpu: true } };
  await new EngineHost({ ...engine, kind: 'podman' }, '0123abcd', quietLog()).remove('x');
};

describe('removing a container', () => {
  const { PATH } = process.env;
  afterEach(() => {
    process.env.PATH = PATH;
  });

  test('is done when it is not there, or no engine is', async () => {
    await expect(remove(`${bin('forgetful')}:${PATH}`)).resolves.toBeUndefined();
    await expect(remove(bin('dead'))).resolves.toBeUndefined();
  });

  test('that fails is an error: it would lie about for ever', async () => {
    await expect(remove(`${bin('broken')}:${PATH}`)).rejects.toThrow(/x could not be removed: .*cannot open/);
  });
});
