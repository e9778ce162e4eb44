/** What compose.yaml's `test` compares with: the same rules, without the command. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../../../cli/project.ts';

let made: string;
beforeEach(async () => {
  made = await mkdtemp(join(tmpdir(), 'longshore-compose-'));
  await cp(join(PROJECT, 'tasks/osm-mapsforge/data/output'), made, { recursive: true });
});
afterEach(() => rm(made, { recursive: true, force: true }));

async function compare(): Promise<{ exitCode?: number; stdout: string }> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const script = join(PROJECT, 'scripts/compose/compare.ts');
  const options = { cwd: PROJECT, env, extendEnv: false, reject: false } as const;
  return await execa(process.execPath, [script, 'osm-mapsforge', made], options);
}

test('the golden output itself passes, and the folder is empty for the next run', async () => {
  expect(await compare()).toMatchObject({
    exitCode: 0,
    stdout: 'passed  osm-mapsforge  3 of 3 files as expected',
  });
  expect(await readdir(made)).toEqual([]);
});

test('one changed file fails, and is told', async () => {
  await writeFile(join(made, 'brack.extents.txt'), 'something else\n');
  const { exitCode, stdout } = await compare();
  expect(exitCode).toBe(1);
  expect(stdout).toContain('brack.extents.txt  line 1: expected "map: brack.map", got "something else"');
  expect(stdout).toContain('failed  osm-mapsforge  2 of 3 files as expected');
});
