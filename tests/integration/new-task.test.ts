/** `longshore new task`: what it makes works at once, whatever the image; and its golden test fails when a value changes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { File, ready } from 'h5wasm/node';
import { findEngine, type Engine } from '../../lib/local/engine.ts';
import { SHELL_IMAGE } from '../contract/support/shell-task.ts';
import { copyProject, type ProjectCopy } from '../tools/project-copy.ts';

const TIMEOUT_MS = 5 * 60_000;
/** Images of other runs on this machine are not ours to remove. */
const NAME = `probe-${process.pid}`;
const names = { python: `${NAME}-py`, shell: `${NAME}-sh`, copy: `${NAME}-cp`, user: `${NAME}-user` };

let project: ProjectCopy;
let engine: Engine;

beforeAll(async () => {
  const { engine: found } = await findEngine();
  if (!found) throw new Error('No container engine. Run: npm run setup');
  engine = found;
  project = await copyProject();
}, TIMEOUT_MS);

afterAll(async () => {
  for (const name of Object.values(names)) {
    const tags = ['develop', 'latest'].map((tag) => `longshore/${name}:${tag}`);
    await execa(engine.kind, ['rmi', '--force', ...tags], { reject: false });
  }
  await project.remove();
}, TIMEOUT_MS);

const longshore = async (...args: string[]) => await project.longshore(args);

const put = async (name: string, body: string | Buffer): Promise<void> => {
  await mkdir(join(project.dir, name, '..'), { recursive: true });
  await writeFile(join(project.dir, name), body);
};
const edit = async (name: string, from: string, to: string): Promise<void> => {
  const text = await readFile(join(project.dir, name), 'utf8');
  expect(text).toContain(from);
  await put(name, text.replace(from, to));
};

/** One value of a file in HDF5, as netCDF-4 is. */
const hdf5 = async (value: number): Promise<Buffer> => {
  await ready;
  const path = join(project.dir, 'values.h5');
  const file = new File(path, 'w');
  file.create_dataset({ name: 'sst', data: new Float32Array([1, 2, value, 4]), shape: [2, 2] });
  file.close();
  return await readFile(path);
};

test.each(['python', 'shell'] as const)(
  'a task with a %s handler is made, built, and passes its own test',
  async (kind) => {
    const name = names[kind];
    const made = await longshore('new', 'task', name, '--handler', kind, '--accepts', '.csv,.txt');
    expect(made).toMatchObject({ code: 0 });
    expect(await longshore('image', 'build', name)).toMatchObject({ code: 0 });
    const tested = await longshore('test', name);
    expect(tested).toMatchObject({ code: 0 });
    expect(tested.stdout).toMatch(new RegExp(`^passed  ${name}  1 file as expected`));
  },
  TIMEOUT_MS,
);

describe('its golden test', () => {
  const name = names.shell;
  const golden = `tasks/${name}/data/output/sample.csv.json`;

  test(
    'fails when one value changes, and says which; and writes it anew when it is told to',
    async () => {
      await edit(golden, '"lines": 4', '"lines": 5');
      const { code, stdout } = await longshore('test', name);
      expect(code).toBe(1);
      expect(stdout).toContain('sample.csv.json  lines: expected 5, got 4 (1 less, 20 %)');
      expect(await longshore('test', name, '--update')).toMatchObject({ code: 0 });
      expect(await readFile(join(project.dir, golden), 'utf8')).toContain('"lines": 4');
    },
    TIMEOUT_MS,
  );

  test(
    'says why, and what the container said, when the job fails',
    async () => {
      await put(`tasks/${name}/data/bad/input/none.csv`, 'one\0two');
      const { code, stdout } = await longshore('test', name, 'bad');
      expect(code).toBe(1);
      expect(stdout).toContain(`failed  ${name} bad: quarantined\n  bad-input: none.csv is not text`);
      expect(stdout).toMatch(/^ {2}\| .*none\.csv is not text/m);
    },
    TIMEOUT_MS,
  );
});

test(
  'what is made is formatted, without a fault for lint and types, listed, documented and in the manifest’s schema',
  async () => {
    expect(await project.tool('oxfmt', '--check')).toMatchObject({ code: 0 });
    expect(
      await project.tool(
        'oxlint',
        '--type-aware',
        '--deny-warnings',
        `tasks/${names.python}`,
        'tasks/index.ts',
      ),
    ).toMatchObject({ code: 0 });
    expect(await project.tool('tsc')).toMatchObject({ code: 0, all: '' });
    const { stdout } = await longshore('tasks');
    expect(stdout).toContain(names.shell);
    expect(await readFile(join(project.dir, `tasks/${names.python}/README.md`), 'utf8')).toContain(
      '| `label` | string |',
    );
    expect(await readFile(join(project.dir, 'docs/manifest.schema.json'), 'utf8')).toContain(names.python);
  },
  TIMEOUT_MS,
);

describe('a task that is an image and a shell command', () => {
  const name = names.copy;
  const data = `tasks/${name}/data`;

  beforeAll(async () => {
    const command = ['sh', '-c', 'cp "$1"/* "$2"', 'sh'];
    const args = [
      'new',
      'task',
      name,
      '--from',
      SHELL_IMAGE,
      '--accepts',
      '.csv,.json,.h5',
      '--',
      ...command,
    ];
    expect(await longshore(...args)).toMatchObject({ code: 0 });
    expect(await longshore('image', 'build', name)).toMatchObject({ code: 0 });
  }, TIMEOUT_MS);

  test(
    'without golden output nothing passes, and what to do is said',
    async () => {
      const { code, stdout } = await longshore('test', name);
      expect(code).toBe(1);
      expect(stdout).toContain(
        `there is no golden output yet: look at what was made (--keep), then  longshore test ${name} --update`,
      );
      expect(await longshore('test', name, '--update')).toMatchObject({ code: 0 });
      expect((await longshore('test', name)).stdout).toMatch(/^passed/);
    },
    TIMEOUT_MS,
  );

  test(
    'one changed value in JSON, CSV and HDF5 is found, each named with its place',
    async () => {
      await put(`${data}/json/input/a.json`, '{"cells":[{"id":1,"sst":287.31}]}');
      await put(`${data}/json/output/a.json`, '{"cells":[{"id":1,"sst":287.3}]}');
      await put(`${data}/csv/input/a.csv`, 'id,depth\n1,10\n2,20\n');
      await put(`${data}/csv/output/a.csv`, 'id,depth\n1,10\n2,21\n');
      await put(`${data}/hdf5/input/a.h5`, await hdf5(3));
      await put(`${data}/hdf5/output/a.h5`, await hdf5(3.5));
      const { code, stdout } = await longshore('test', name);
      expect(code).toBe(1);
      const lines = stdout.split('\n').filter((line) => line.startsWith('  '));
      expect(lines).toEqual([
        '  a.csv  row 2, column "depth": expected 21, got 20 (1 less, 4.8 %)',
        '  a.h5  /sst[1,0]: expected 3.5, got 3 (0.5 less, 14 %; 1 of 4 values differ)',
        '  a.json  cells[0].sst: expected 287.3, got 287.31 (0.01 more, 0.0035 %)',
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    'rules of compare.json hold',
    async () => {
      const files = {
        '*.json': { absolute: 0.011 },
        '*.csv': { ignore: ['depth'] },
        '*.h5': { ignore: ['/sst'] },
      };
      await put(`${data}/compare.json`, JSON.stringify({ files }));
      expect(await longshore('test', name)).toMatchObject({ code: 0 });
    },
    TIMEOUT_MS,
  );

  test(
    'a rule that cannot be meant is refused',
    async () => {
      await put(`${data}/compare.json`, '{"files":{"*.json":{"ignoreLines":["x"]}}}');
      const { code, stderr } = await longshore('test', name, 'json');
      expect(code).toBe(2);
      expect(stderr).toContain('has ignoreLines, but a.json is compared as json');
    },
    TIMEOUT_MS,
  );
});

test(
  'an image with a user of its own runs, and can write to nothing but its output and scratch folders',
  async () => {
    const name = names.user;
    const script =
      'touch /etc/x 2>/dev/null && exit 1; touch "$1"/x 2>/dev/null && exit 1; echo x >"$TMPDIR"/x && cp "$TMPDIR"/x "$2"/x.txt';
    await longshore('new', 'task', name, '--from', SHELL_IMAGE, '--', 'sh', '-c', script, 'sh');
    const dockerfile = join('containers', name, 'Dockerfile');
    await put(
      dockerfile,
      `${await readFile(join(project.dir, dockerfile), 'utf8')}RUN useradd worker\nUSER worker\n`,
    );
    await put(`tasks/${name}/data/output/x.txt`, 'x\n');
    expect(await longshore('image', 'build', name)).toMatchObject({ code: 0 });
    expect(await longshore('test', name)).toMatchObject({ code: 0 });
  },
  TIMEOUT_MS,
);

describe('names that cannot be', () => {
  test.each([
    ['Sea', 'cannot name a task: 1 to 32 of a-z'],
    ['osm-mapsforge', 'tasks/osm-mapsforge already'],
    ['stage', 'is the name of something else here'],
    [`${NAME}-x --accepts csv`, 'an ending begins with a dot'],
    [`${NAME}-x --from no/such:image`, 'is not on this machine: pull it'],
    [`${NAME}-x -- sh`, 'goes with --from IMAGE'],
  ])('%s is refused, and nothing is written', async (args, message) => {
    const before = await readdir(join(project.dir, 'tasks'));
    const { code, stderr } = await longshore('new', 'task', ...args.split(' '));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(await readdir(join(project.dir, 'tasks'))).toEqual(before);
  });
});
