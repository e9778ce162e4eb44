/** What differs is found, told with its place, and nothing else is. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { truncateSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, ready } from 'h5wasm/node';
import { compareFiles } from '../../../lib/golden/compare/files.ts';
import { readCompare, ruleFor, type Rule } from '../../../lib/golden/rules.ts';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-compare-'));
  await ready;
});
afterAll(() => rm(folder, { recursive: true }));

type Body = string | Buffer | ((path: string) => void);

/** Each difference as one line. */
async function compare(name: string, expected: Body, got: Body, rule: Rule = {}): Promise<string[]> {
  const paths = [expected, got].map((_, at) => join(folder, `${(count += 1)}-${at}-${name}`)) as [
    string,
    string,
  ];
  for (const [at, body] of [expected, got].entries()) {
    if (typeof body === 'function') body(paths[at]!);
    else await writeFile(paths[at]!, body);
  }
  const resolved = ruleFor(readCompare({ files: { '*': rule } }, 'compare.json'), name);
  const { differences } = await compareFiles(...paths, resolved);
  return differences.map(
    ({ where, detail, ...one }) =>
      `${where}: expected ${one.expected}, got ${one.got}${detail === undefined ? '' : ` (${detail})`}`,
  );
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

describe('JSON', () => {
  const golden = {
    name: 'holm',
    cells: [
      { id: 1, sst: 287.31 },
      { id: 2, sst: 288 },
    ],
    made: '2026-01-01',
  };
  const changed = structuredClone(golden);
  changed.cells[1]!.sst = 288.5;

  test('the same values in another order and layout are the same', async () => {
    const { name, cells, made } = golden;
    expect(await compare('a.json', json(golden), JSON.stringify({ made, name, cells }))).toEqual([]);
  });

  test('one changed value is told with its path and by how much', async () => {
    expect(await compare('a.json', json(golden), json(changed))).toEqual([
      'cells[1].sst: expected 288, got 288.5 (0.5 more, 0.17 %)',
    ]);
  });

  test.each<[string, Rule, number]>([
    ['absolute', { absolute: 0.5 }, 0],
    ['a smaller absolute', { absolute: 0.49 }, 1],
    ['relative', { relative: 0.002 }, 0],
    ['a smaller relative', { relative: 0.001 }, 1],
  ])('a tolerance holds up to its bound: %s', async (_, rule, differences) => {
    expect(await compare('a.json', json(golden), json(changed), rule)).toHaveLength(differences);
  });

  test.each(['cells[1].sst', 'cells[*].sst', 'cells.*.sst', '**.sst', 'cells', '$.cells[1]'])(
    'the path %s is ignored',
    async (path) => {
      expect(await compare('a.json', json(golden), json(changed), { ignore: [path] })).toEqual([]);
    },
  );

  test.each(['sst', 'cells[0].sst', 'cells[*].id', 'cell'])('the path %s does not hide it', async (path) => {
    expect(await compare('a.json', json(golden), json(changed), { ignore: [path] })).toHaveLength(1);
  });

  test('a missing name, an added one, another type and another length are differences', async () => {
    expect(await compare('a.json', '{"a":1,"b":"1","c":[1,2]}', '{"b":1,"c":[1],"d":null}')).toEqual([
      'a: expected 1, got nothing',
      'b: expected "1", got 1',
      'c: expected 2 items, got 1 items',
      'd: expected nothing, got null',
    ]);
  });

  test('what is no JSON is told', async () => {
    const [difference] = await compare('a.json', '{}', '{"a":');
    expect(difference).toContain('expected JSON, got "{\\"a\\":"');
  });
});

describe('CSV', () => {
  const golden = 'id,depth,name\n1,12.5,"a, b"\n2,13.0,c\n';

  test('numbers are compared as numbers, quotes do not count', async () => {
    expect(await compare('a.csv', golden, 'id,depth,name\r\n1,12.50,"a, b"\r\n2,13,"c"\r\n')).toEqual([]);
  });

  test('one changed cell is told by row and column', async () => {
    expect(await compare('a.csv', golden, golden.replace('13.0', '13.1'))).toEqual([
      'row 2, column "depth": expected 13.0, got 13.1 (0.1 more, 0.77 %)',
    ]);
    expect(await compare('a.csv', golden, golden.replace('c\n', 'd\n'))).toEqual([
      'row 2, column "name": expected "c", got "d"',
    ]);
  });

  test('tolerance and ignored columns', async () => {
    const made = golden.replace('13.0', '13.1');
    expect(await compare('a.csv', golden, made, { absolute: 0.11 })).toEqual([]);
    expect(await compare('a.csv', golden, made, { ignore: ['depth'] })).toEqual([]);
    expect(await compare('a.csv', golden, made, { ignore: ['name'] })).toHaveLength(1);
  });

  test('columns and rows that are missing or more are told', async () => {
    expect(await compare('a.csv', golden, 'id,name\n1,"a, b"\n')).toEqual([
      'columns: expected id, depth, name, got id, name',
      'rows: expected 2, got 1',
    ]);
  });

  test('tabs and semicolons', async () => {
    expect(await compare('a.tsv', 'a\tb\n1\t2\n', 'a\tb\n1\t3\n')).toHaveLength(1);
    expect(await compare('a.csv', 'a;b\n1;2\n', 'a;b\n1;3\n')).toEqual([
      'row 1, column "b": expected 2, got 3 (1 more, 50 %)',
    ]);
  });
});

describe('HDF5', () => {
  const values = Float64Array.from({ length: 12 }, (_, at) => at / 10);
  interface Changes {
    data?: Float64Array;
    units?: string;
    name?: string;
    shape?: number[];
    history?: string;
  }
  const file =
    ({ data = values, units = 'K', name = 'sst', shape = [3, 4], history = 'once' }: Changes = {}) =>
    (path: string): void => {
      const made = new File(path, 'w');
      made.create_attribute('history', history);
      const group = made.create_group('level2');
      const sst = group.create_dataset({ name, data, shape });
      sst.create_attribute('units', units);
      group.create_dataset({ name: 'count', data: new BigInt64Array([2n ** 60n]) });
      made.close();
    };
  const changed = values.with(6, 0.65);

  test('the same values are the same', async () => {
    expect(await compare('a.h5', file(), file())).toEqual([]);
  });

  test('one changed value is told with its variable, its index and by how much', async () => {
    expect(await compare('a.h5', file(), file({ data: changed }))).toEqual([
      '/level2/sst[1,2]: expected 0.6, got 0.65 (0.05 more, 8.3 %; 1 of 12 values differ)',
    ]);
  });

  test('of several the first is told, how many they are, and the largest difference', async () => {
    expect(await compare('a.h5', file(), file({ data: changed.with(11, 2.1) }))).toEqual([
      '/level2/sst[1,2]: expected 0.6, got 0.65 (0.05 more, 8.3 %; 2 of 12 values differ, by up to 1)',
    ]);
  });

  test('a tolerance holds; not a number is no number', async () => {
    expect(await compare('a.h5', file(), file({ data: changed }), { absolute: 0.051 })).toEqual([]);
    const hole = file({ data: values.with(0, Number.NaN) });
    expect(await compare('a.h5', hole, hole)).toEqual([]);
    expect(await compare('a.h5', file(), hole, { absolute: 100 })).toHaveLength(1);
  });

  test.each(['/level2/sst', '/level2', '/level2/*', '/**'])('%s is ignored', async (path) => {
    expect(await compare('a.h5', file(), file({ data: changed }), { ignore: [path] })).toEqual([]);
  });

  test('attributes are compared, and ignored by name or by place', async () => {
    const made = file({ units: 'degC', history: 'twice' });
    expect(await compare('a.h5', file(), made)).toEqual([
      '@history: expected "once", got "twice"',
      '/level2/sst@units: expected "K", got "degC"',
    ]);
    expect(await compare('a.h5', file(), made, { ignore: ['@history', '/level2/sst@units'] })).toEqual([]);
    expect(await compare('a.h5', file(), made, { ignore: ['@*'] })).toEqual([]);
  });

  test('a variable that is missing, added, or of another shape is told', async () => {
    expect(await compare('a.h5', file(), file({ name: 'sea' }))).toEqual([
      '/level2/sst: expected float64[3,4], got nothing',
      '/level2/sea: expected nothing, got float64[3,4]',
    ]);
    expect(await compare('a.h5', file(), file({ shape: [4, 3] }))).toEqual([
      '/level2/sst: expected float64[3,4], got float64[4,3]',
    ]);
  });

  test('what is no such file is told', async () => {
    expect(await compare('a.nc', file(), 'text')).toEqual([
      'format: expected HDF5, got neither netCDF nor HDF5',
    ]);
  });

  test('one that was cut short is told, be it the golden one', async () => {
    const cut = (path: string): void => {
      file()(path);
      truncateSync(path, 1000);
    };
    expect(await compare('a.nc', file(), cut)).toEqual([
      expect.stringMatching(/^format: expected HDF5, got damaged \(.*truncated file: eof = 1000/),
    ]);
    expect(await compare('a.nc', cut, file())).toEqual([
      expect.stringMatching(/^format: expected damaged \(truncated file.*\), got HDF5$/),
    ]);
  });
});

describe('text', () => {
  test('lines that differ are told by their number, those of a pattern are not', async () => {
    const [golden, made] = ['a\nmade 1\nb\n', 'a\nmade 2\nc\n'];
    expect(await compare('a.txt', golden, made)).toEqual([
      'line 2: expected "made 1", got "made 2"',
      'line 3: expected "b", got "c"',
    ]);
    expect(await compare('a.txt', golden, made, { ignoreLines: ['^made '] })).toEqual([
      'line 3: expected "b", got "c"',
    ]);
  });

  test('a line end at the end of the file counts', async () => {
    expect(await compare('a.txt', 'a\n', 'a')).toHaveLength(1);
  });
});

describe('bytes', () => {
  const golden = Buffer.alloc(3_000_000, 7);

  test('the first byte that differs is told, also in a later chunk, and how many there are', async () => {
    const made = Buffer.from(golden);
    made[2_500_000] = 8;
    made[2_500_002] = 9;
    expect(await compare('a.map', golden, made)).toEqual([
      `byte 2500000: expected ${'07 '.repeat(16).trim()}, got 08 07 09 ${'07 '.repeat(13).trim()} (2 bytes differ)`,
    ]);
    expect(await compare('a.map', golden, made, { ignoreBytes: [[2_500_000, 2_500_002]] })).toEqual([]);
    expect(await compare('a.map', golden, made, { ignoreBytes: [[2_500_000, 2_500_001]] })).toHaveLength(1);
  });

  test('another size is told', async () => {
    expect(await compare('a.map', golden, golden.subarray(1))).toEqual([
      'size: expected 3000000 bytes, got 2999999 bytes (1 less)',
    ]);
  });

  test('of a file that only has to be there, the size may be bounded', async () => {
    const made = golden.subarray(300_000);
    expect(await compare('a.png', golden, made, { as: 'present' })).toEqual([]);
    expect(await compare('a.png', golden, made, { as: 'present', size: 0.1 })).toEqual([]);
    expect(await compare('a.png', golden, made, { as: 'present', size: 0.05 })).toHaveLength(1);
    expect(await compare('a.png', golden, '', { as: 'present' })).toHaveLength(1);
  });
});

describe('rules', () => {
  test('a setting that the kind does not know is refused', () => {
    const rules = readCompare({ files: { '*.json': { ignoreLines: ['x'] } } }, 'compare.json');
    expect(() => ruleFor(rules, 'a.json')).toThrow(
      'the rule "*.json" has ignoreLines, but a.json is compared as json, which knows relative, absolute, ignore',
    );
  });

  test.each([
    [{ files: { '*': { tolerance: 1 } } }, 'Unrecognized key'],
    [{ files: { '*': { as: 'hdf6' } } }, 'files.*.as'],
    [{ files: { '*': { ignoreLines: ['('] } } }, 'is no regular expression'],
    [{ files: { '*': { relative: -1 } } }, 'files.*.relative'],
  ])('%j is refused', (value, message) => {
    expect(() => readCompare(value, 'compare.json')).toThrow(message);
  });
});
