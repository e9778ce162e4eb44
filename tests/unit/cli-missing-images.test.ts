/** Images are built when they are missing, by an engine that only pretends to be one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildMissingImages } from '../../cli/missing-images.ts';
import type { Output } from '../../cli/streams.ts';
import type { Engine } from '../../lib/local/engine.ts';

const engine: Engine = { kind: 'podman', version: '0', rootless: false, limits: { memory: true, cpu: true } };
const task = { name: 'osm-mapsforge', image: 'longshore/osm-mapsforge' };
const elsewhere = { name: 'made-elsewhere', image: 'somebody/image' };

let folder: string;
let notes: string[];
let out: Output;
const path = process.env['PATH'];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-images-'));
  notes = [];
  out = { line: () => {}, note: (text) => void notes.push(text), live: false, status: () => {} };
  process.env['PATH'] = `${folder}:${path}`;
});

afterEach(async () => {
  process.env['PATH'] = path;
  await rm(folder, { recursive: true });
});

/** `podman` that logs its first two words, and has the image or not. */
async function pretend(hasImage: boolean): Promise<void> {
  const text = `#!/bin/sh\necho "$1" >>${folder}/calls\n[ "$1" = build ] || exit ${hasImage ? 0 : 1}\n`;
  await writeFile(join(folder, 'podman'), text, { mode: 0o755 });
}

const calls = async (): Promise<string[]> =>
  (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

test('what is missing is set up for and built, and said so', async () => {
  await pretend(false);
  const setUps: boolean[] = [];
  const setUp = async (quiet: boolean): Promise<void> => void setUps.push(quiet);
  await buildMissingImages(engine, [elsewhere, task], out, { quiet: false, setUp });
  expect(await calls()).toEqual(['image', 'build']);
  expect(setUps).toEqual([false]);
  expect(notes).toEqual([expect.stringMatching(/no image longshore\/osm-mapsforge yet: building it/)]);
});

test('what is there is left alone', async () => {
  await pretend(true);
  await buildMissingImages(engine, [task], out, { quiet: false });
  expect(await calls()).toEqual(['image']);
  expect(notes).toEqual([]);
});

test('without an engine nothing is asked for', async () => {
  await pretend(false);
  await buildMissingImages(undefined, [task], out, { quiet: false });
  expect(await calls()).toEqual([]);
});
