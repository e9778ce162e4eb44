import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { checkFiles } from '../../cli/commands/drop.ts';
import { readRequest } from '../../cli/commands/run.ts';
import { UsageError } from '../../cli/errors.ts';
import { defaultHome } from '../../cli/options.ts';
import { findTask } from '../../cli/tasks-folder.ts';
import { defineTask } from '../../lib/tasks/define-task.ts';

const size = { vcpu: 1, memoryMiB: 2048, diskGiB: 20 };
const osm = defineTask({
  name: 'osm-map',
  description: 'a map',
  image: 'longshore/osm-map',
  command: ['x'],
  accepts: ['.osm.pbf'],
  params: z.object({ area: z.string().optional(), type: z.enum(['ram', 'hd']).default('ram') }),
  publishAs: ({ area }) => area ?? '',
  size: () => size,
  ceiling: size,
  deadlineSeconds: () => 60,
  expectedSeconds: () => 10,
  attempts: 1,
  spot: false,
  network: false,
  outputs: [],
  metadata: [],
});
const tasks = new Map([[osm.name, osm]]);
const options = { set: [], manifest: undefined, run: undefined } as unknown as Parameters<
  typeof readRequest
>[3];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-cli-'));
  await writeFile(join(folder, 'malta.osm.pbf'), 'x');
  await mkdir(join(folder, 'other'));
  await writeFile(join(folder, 'other', 'malta.osm.pbf'), 'y');
  await writeFile(join(folder, 'malta.txt'), 'x');
  await writeFile(join(folder, 'europe.json'), JSON.stringify({ areas: ['a', 'b'] }));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('the request of `run`', () => {
  test('is one job with its parameters as text, unchecked: a bad one is recorded, not refused', async () => {
    const { jobs, run } = await readRequest(tasks, 'osm-map', undefined, {
      ...options,
      set: ['type=tape', 'area=a=b'],
    });
    expect(jobs).toEqual([{ task: 'osm-map', params: { type: 'tape', area: 'a=b' }, priority: 0 }]);
    expect(run).toMatch(/^run-\d{8}T\d{6}-[0-9a-f]{6}$/);
  });

  test('takes a file and a name for the run', async () => {
    const file = join(folder, 'malta.osm.pbf');
    expect(await readRequest(tasks, 'osm-map', file, { ...options, run: 'mine' })).toMatchObject({
      run: 'mine',
      file,
    });
  });

  test('is all jobs of a manifest, with task and --set for those that name none', async () => {
    const manifest = join(folder, 'europe.json');
    const { jobs, run } = await readRequest(tasks, 'osm-map', undefined, {
      ...options,
      manifest,
      set: ['type=hd'],
    });
    expect(jobs).toEqual([
      { task: 'osm-map', params: { type: 'hd', area: 'a' }, priority: 5 },
      { task: 'osm-map', params: { type: 'hd', area: 'b' }, priority: 5 },
    ]);
    expect(run).toMatch(/^europe-\d{8}T\d{6}$/);
  });

  test.each([
    [
      'an unknown task',
      ['osm-mpa'],
      {},
      /There is no task "osm-mpa": did you mean "osm-map"\? Tasks: osm-map/,
    ],
    ['no task', [undefined], {}, /needs a task, or --manifest/],
    [
      'a parameter that is no assignment',
      ['osm-map'],
      { set: ['type'] },
      /"type" is not of the form name=value/,
    ],
    ['a parameter given twice', ['osm-map'], { set: ['type=hd', 'type=ram'] }, /type is given twice/],
    [
      'a manifest that is not there',
      [undefined],
      { manifest: '/nowhere/m.json' },
      'There is no manifest "/nowhere/m.json"',
    ],
    ['a file and a manifest', ['osm-map', 'x.osm.pbf'], { manifest: 'm.json' }, /not both/],
    ['a file that is not there', ['osm-map', '/nowhere/x.osm.pbf'], {}, /cannot be read \(ENOENT\)/],
  ])('with %s is a usage error that says so', async (_, [task, file], given, message) => {
    const request = readRequest(tasks, task, file, { ...options, ...given });
    await expect(request).rejects.toThrow(UsageError);
    await expect(request).rejects.toThrow(message);
  });
});

describe('files to drop', () => {
  test('are refused all together, with each fault, before any is copied', async () => {
    const files = ['malta.osm.pbf', 'other/malta.osm.pbf', 'malta.txt', 'gone.osm.pbf', 'other'].map((name) =>
      join(folder, name),
    );
    const check = checkFiles(osm, files);
    await expect(check).rejects.toThrow(UsageError);
    for (const fault of [
      /have the same name/,
      /malta\.txt is not what osm-map takes \(\*\.osm\.pbf\)/,
      /gone\.osm\.pbf cannot be read \(ENOENT\)/,
      /other is not a file/,
    ])
      await expect(check).rejects.toThrow(fault);
  });

  test('pass when they are there and of a kind that the task takes', async () => {
    await expect(checkFiles(osm, [join(folder, 'malta.osm.pbf')])).resolves.toBeUndefined();
  });
});

test('the home folder is LONGSHORE_HOME, else ~/longshore', () => {
  expect(defaultHome({ LONGSHORE_HOME: '/data/maps' })).toBe('/data/maps');
  expect(defaultHome({})).toMatch(/\/longshore$/);
});

test('a task is found by its name only', () => {
  expect(findTask(tasks, 'osm-map')).toBe(osm);
});
