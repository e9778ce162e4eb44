/** Images are built when they are missing, by an engine that only pretends to be one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sourceHash, containerFolder } from '../../cli/images.ts';
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

/** `podman` that logs its first word, and has the image, made from sources of this hash, or has it not. */
async function pretend(hash: string | undefined, { builds = true } = {}): Promise<void> {
  const text = `#!/bin/sh
echo "$1" >>${folder}/calls
[ "$1" != build ] || exit ${builds ? 0 : 1}
${hash === undefined ? 'echo "Error: no such image" >&2; exit 1' : `echo ${hash}`}
`;
  await writeFile(join(folder, 'podman'), text, { mode: 0o755 });
}

const nothing = async (): Promise<void> => {};

const calls = async (): Promise<string[]> =>
  (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

test('what is missing is set up for and built, and said so', async () => {
  await pretend(undefined);
  const setUps: boolean[] = [];
  const setUp = async (quiet: boolean): Promise<void> => void setUps.push(quiet);
  await buildMissingImages(engine, [elsewhere, task], out, { quiet: false, setUp });
  expect(await calls()).toEqual(['image', 'build']);
  expect(setUps).toEqual([false]);
  expect(notes).toEqual([expect.stringMatching(/no image longshore\/osm-mapsforge yet: building it/)]);
});

test('what is there and current is left alone', async () => {
  await pretend(await sourceHash(containerFolder(task)));
  await buildMissingImages(engine, [task], out, { quiet: false });
  expect(await calls()).not.toContain('build');
  expect(notes).toEqual([]);
});

test('what is older than its sources is built again; where that fails, it serves on', async () => {
  await pretend('of-last-month');
  await buildMissingImages(engine, [task], out, { quiet: true, setUp: nothing });
  expect((await calls()).filter((call) => call === 'build')).toHaveLength(1);
  await pretend('of-last-month', { builds: false });
  await buildMissingImages(engine, [task], out, { quiet: false, setUp: nothing });
  expect(notes).toEqual([
    'The image longshore/osm-mapsforge is older than containers/osm-mapsforge: building it again',
    expect.stringMatching(/could not build longshore\/osm-mapsforge.*\nJobs run in the older image\.$/s),
  ]);
});

test('without an engine nothing is asked for', async () => {
  await pretend(undefined);
  await buildMissingImages(undefined, [task], out, { quiet: false });
  expect(await calls()).toEqual([]);
});

test('what the engine cannot tell of is not built', async () => {
  await writeFile(join(folder, 'podman'), '#!/bin/sh\necho "$1" >>"${0%/*}/calls"; exit 125\n', {
    mode: 0o755,
  });
  await buildMissingImages(engine, [task], out, { quiet: false, setUp: nothing });
  expect(await calls()).not.toContain('build');
});
