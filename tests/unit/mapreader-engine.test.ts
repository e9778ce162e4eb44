import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEngine, NoEngineError } from '../tools/mapreader/engine.ts';

let bin = '';
beforeAll(async () => {
  bin = await mkdtemp(join(tmpdir(), 'engines-'));
  await writeFile(join(bin, 'podman'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  // A docker client without a daemon behind it.
  await writeFile(join(bin, 'docker'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
});
afterAll(() => rm(bin, { recursive: true }));

test('docker whose daemon does not answer is passed over for podman', async () => {
  expect(await findEngine({ PATH: bin })).toBe('podman');
});

test('an engine named in the environment is taken, and must answer', async () => {
  expect(await findEngine({ PATH: '', LONGSHORE_ENGINE: join(bin, 'podman') })).toBe(join(bin, 'podman'));
  await expect(findEngine({ PATH: bin, LONGSHORE_ENGINE: 'docker' })).rejects.toThrow(
    'LONGSHORE_ENGINE=docker does not answer',
  );
});

test('without any engine the error says what to install', async () => {
  await expect(findEngine({ PATH: join(bin, 'empty') })).rejects.toThrow(NoEngineError);
});
