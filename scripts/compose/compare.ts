/**
 * `node scripts/compose/compare.ts TASK MADE`: compares the files below the folder MADE with the golden output of the task's
 * first case, and empties the folder. For compose.yaml: `longshore test` does all of it, the run included.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileText } from '../../cli/golden-text.ts';
import { filesBelow, readCases } from '../../lib/golden/cases.ts';
import { compareOutputs } from '../../lib/golden/compare/outputs.ts';
import { fetchGolden } from '../../lib/golden/source.ts';

const [task = '', folder = ''] = process.argv.slice(2);
const data = join('tasks', task, 'data');
const [golden] = await readCases(data, { several: true });
if (golden?.name !== '') throw new Error(`${data} has no input and output of its own`);
const names = await filesBelow(folder);
const made = new Map(names.map((name) => [name, join(folder, name)]));
const differences = await compareOutputs(golden, {
  made,
  fetch: async (file) => await fetchGolden(file, '/tmp/longshore'),
});
for (const line of differences.flatMap(fileText)) console.log(line);
const verdict = differences.length === 0 ? 'passed' : 'failed';
console.log(`${verdict}  ${task}  ${made.size - differences.length} of ${made.size} files as expected`);
for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
process.exitCode = differences.length === 0 ? 0 : 1;
