import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { BadTaskError, checkTask } from '../../../lib/tasks/check-task.ts';
import type { TaskDefinition } from '../../../lib/tasks/define-task.ts';
import { loadTasks, taskFolders } from '../../../lib/tasks/registry.ts';
import type { GranuleRule } from '../../../lib/tasks/granule-rule.ts';
import { taskMap } from '../../../lib/tasks/task-map.ts';
import { tasks } from '../../../tasks/index.ts';
import { makeTask } from './factories.ts';

const TASKS = join(import.meta.dirname, '../../../tasks');

function faultsOf(changes: Partial<TaskDefinition>, folder = 'copy'): string[] {
  try {
    checkTask(makeTask(changes), folder);
  } catch (error) {
    if (error instanceof BadTaskError) {
      return error.faults;
    }
    throw error;
  }
  return [];
}

const faultsOfParam = (name: string, schema: z.ZodType = z.string().describe('x')): string[] =>
  faultsOf({ params: z.object({ [name]: schema }) });

describe('the tasks of this project', () => {
  test('tasks/index.ts names every folder', async () => {
    expect([...tasks.keys()].sort()).toEqual(await taskFolders(TASKS));
  });

  test('the folder gives the same definitions as tasks/index.ts', async () => {
    expect(await loadTasks(TASKS)).toEqual(tasks);
  });
});

describe('checkTask', () => {
  test('a good one has no fault', () => {
    expect(faultsOf({})).toEqual([]);
  });

  test('the name is the folder’s', () => {
    expect(faultsOf({}, 'move')).toEqual([
      'Its name is "copy", but its folder is "move": they must be the same.',
    ]);
  });

  test.each(['Copy', '1copy', 'a_b', 'a'.repeat(33), ''])('the name "%s" is refused', (name) => {
    expect(faultsOf({ name }, name)).toEqual([expect.stringContaining(`The name "${name}" must be`)]);
  });

  test.each(['registry.example.com:5000/copy', 'longshore/copy:latest', 'Longshore/Copy', ''])(
    'the image "%s" is refused',
    (image) => {
      expect(faultsOf({ image })).toEqual([expect.stringContaining(`The image "${image}"`)]);
    },
  );

  test.each(['path', 'home', 'tmpdir', 'longshoreRun', 'awsRegion', 'ld-preload'])(
    'the parameter "%s" is reserved',
    (name) => {
      expect(faultsOfParam(name)).toEqual([expect.stringContaining('reserved')]);
    },
  );

  test('secrets are environment variables that nothing else sets, each said what it is', () => {
    expect(faultsOf({ secrets: { API_TOKEN: 'Token of the server' } })).toEqual([]);
    expect(faultsOf({ secrets: { AWS_TOKEN: 'x' } })).toEqual([expect.stringContaining('reserved')]);
    expect(faultsOf({ secrets: { LEVEL: 'x' } })).toEqual([expect.stringContaining('parameter')]);
    expect(faultsOf({ secrets: { 'api-token': 'x' } })).toEqual([expect.stringContaining('capitals')]);
    expect(faultsOf({ secrets: { API_TOKEN: '' } })).toEqual([expect.stringContaining('say what it is')]);
  });

  test('two parameters of one environment name are refused', () => {
    const params = z.object({ skipPoi: z.string().describe('x'), 'skip-poi': z.string().describe('x') });
    expect(faultsOf({ params })).toEqual([
      'The parameters "skipPoi" and "skip-poi" are both SKIP_POI in the environment.',
    ]);
  });

  test('a parameter that is no word is refused', () => {
    expect(faultsOfParam('a b')).toEqual([expect.stringContaining('letters, digits')]);
  });

  test.each([
    ['object', z.object({}).describe('x')],
    ['date', z.date().describe('x')],
    ['union', z.union([z.string(), z.number()]).describe('x')],
    ['array', z.array(z.number()).describe('x')],
  ])('a parameter that is a zod %s is refused', (kind, schema) => {
    expect(faultsOfParam('thing', schema)).toEqual([
      expect.stringContaining(`The parameter "thing" is a zod ${kind}`),
    ]);
  });

  test('a parameter without description is refused', () => {
    expect(faultsOfParam('thing', z.string())).toEqual([expect.stringContaining('has no .describe()')]);
  });

  test('the description may stand before or after .optional()', () => {
    expect(faultsOfParam('thing', z.string().describe('x').optional())).toEqual([]);
    expect(faultsOfParam('thing', z.url().optional().describe('x'))).toEqual([]);
  });

  test('sizes are asked for over the whole range of inputs', () => {
    const faults = faultsOf({
      size: ({ bytes }) => ({ vcpu: 0.25, memoryMiB: bytes > 1e9 ? 4096 : 512, diskGiB: 20 }),
    });
    expect(faults).toHaveLength(3);
    expect(faults[0]).toContain(
      'The size 0.25 vCPU / 4 GB for an input of 10000000000 bytes is none that Fargate has',
    );
  });

  test('a granule rule that could never hold is refused, with every fault', () => {
    const granule: GranuleRule = {
      pattern: /^(?<name>.+)\.txt$/,
      complete: { parts: [] },
      quietSeconds: 60,
      deadlineSeconds: 60,
    };
    expect(() => checkTask(makeTask({ granule }), 'copy')).toThrow(
      /no group \(\?<granule>…\).*no group \(\?<part>…\).*names no parts.*quietSeconds \(60\)/,
    );
    const count = { ...granule, pattern: /^(?<granule>.+)$/, complete: { count: 1 }, quietSeconds: 0 };
    expect(() => checkTask(makeTask({ granule: count }), 'copy')).toThrow(
      /counts to 1.*with a count needs quietSeconds/,
    );
  });

  test('a size over the ceiling is refused', () => {
    expect(faultsOf({ size: () => ({ vcpu: 2, memoryMiB: 4096, diskGiB: 20 }) })[0]).toContain(
      'is over the ceiling',
    );
  });

  test('a deadline that never comes is refused', () => {
    expect(faultsOf({ deadlineSeconds: () => Infinity })[0]).toContain('The deadline');
    expect(faultsOf({ deadlineSeconds: () => Number.NaN })[0]).toContain('The deadline');
  });

  test('a step that could fetch nothing is refused', () => {
    const fetch = { command: ['get'], isNeeded: () => true, expectedSeconds: () => 1 };
    expect(faultsOf({ fetch, network: true })).toEqual([]);
    expect(faultsOf({ fetch: { ...fetch, command: [] }, network: false })).toEqual([
      'fetch.command is empty.',
      'It has a fetch, but network is false: there is nothing that it could reach.',
    ]);
  });

  test('a pack that could hold nothing is refused, with every fault', () => {
    expect(faultsOf({ pack: { jobs: 50, bytes: 1e9, seconds: 600, lingerSeconds: 0 } })).toEqual([]);
    expect(faultsOf({ pack: { jobs: 101, bytes: 0, seconds: Number.NaN, lingerSeconds: -1 } })).toEqual([
      'pack.jobs is 101, but must be a whole number from 1 to 100.',
      'pack.bytes is 0, but must be a number above 0.',
      'pack.seconds is NaN, but must be a number above 0.',
      'pack.lingerSeconds is -1, but must be a number from 0.',
    ]);
    expect(faultsOf({ pack: { jobs: 1.5, bytes: 1, seconds: 1 } })).toHaveLength(1);
  });

  test('parameters for the ceiling that the task has not are refused', () => {
    expect(faultsOf({ atCeiling: () => ({ colour: 'red' }) })[0]).toMatch(/atCeiling gives .*colour/);
  });

  test('all other faults are told at once', () => {
    const faults = faultsOf({
      ceiling: { vcpu: 1, memoryMiB: 1000, diskGiB: 20 },
      attempts: 0,
      accepts: ['osm.pbf', '.a/b'],
      command: [],
      outputs: [],
    });
    expect(faults).toHaveLength(6);
  });

  test('a task with required parameters is checked without its sizes', () => {
    const params = z.object({ level: z.int().describe('x') });
    expect(faultsOf({ params, size: () => ({ vcpu: 99, memoryMiB: 1, diskGiB: 1 }) })).toEqual([]);
  });

  test('the message names the file', () => {
    expect(() => checkTask(makeTask({ attempts: 0 }), 'copy')).toThrow('tasks/copy/task.ts: attempts is 0');
    expect(() => taskMap([makeTask({ attempts: 0 })])).toThrow('tasks/copy/task.ts: attempts is 0');
  });
});

describe('loadTasks', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-tasks-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const add = async (name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'task.ts'), text);
  };

  test('passes over what has no task.ts', async () => {
    await mkdir(join(folder, 'notes'));
    await writeFile(join(folder, 'index.ts'), '');
    expect(await loadTasks(folder)).toEqual(new Map());
  });

  test('a task file with a mistake is an error that names the file', async () => {
    await add('broken', 'export default nothing;');
    await expect(loadTasks(folder)).rejects.toThrow(
      /broken\/task\.ts cannot be loaded: ReferenceError: nothing/,
    );
  });

  test('a task file without a definition says so', async () => {
    await add('empty', 'export const task = 1;');
    await expect(loadTasks(folder)).rejects.toThrow(
      'tasks/empty/task.ts: It has no default export of defineTask({…}).',
    );
  });
});
