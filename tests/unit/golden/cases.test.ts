/** Golden data as it lies in a task's folder, large files elsewhere, and golden output written anew. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readCases, type GoldenCase } from '../../../lib/golden/cases.ts';
import { compareOutputs } from '../../../lib/golden/compare/outputs.ts';
import { fetchGolden, type RemoteFile } from '../../../lib/golden/source.ts';
import { updateGolden } from '../../../lib/golden/update.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-golden-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, body);
  return path;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const fetch = async (): Promise<string> => '';

const onlyCase = async (): Promise<GoldenCase> => {
  const cases = await readCases(join(folder, 'data'), { several: false });
  expect(cases).toHaveLength(1);
  return cases[0]!;
};

describe('the cases of a task', () => {
  test('input and output in data itself are one case; each other folder is one more', async () => {
    await put('data/input/a.csv', 'x');
    await put('data/output/a.json', '{}');
    await put('data/compare.json', '{"files":{"*.json":{"absolute":1}}}');
    await put('data/cold/params.json', '{"level":2}');
    await put('data/cold/output/deep/b.json', '{}');
    await put('data/warm/input/b.csv', 'x');
    await put('data/warm/compare.json', '{}');
    const cases = await readCases(join(folder, 'data'), { several: false });
    expect(cases.map(({ name, params, inputs }) => [name, params, inputs[0]?.kind])).toEqual([
      ['', {}, 'file'],
      ['cold', { level: 2 }, undefined],
      ['warm', {}, 'file'],
    ]);
    expect([...cases[1]!.outputs.keys()]).toEqual(['deep/b.json']);
    expect(cases.map(({ compare }) => Object.keys(compare.files ?? {}))).toEqual([
      ['*.json'],
      ['*.json'],
      [],
    ]);
  });

  test('no folder, no cases', async () => {
    expect(await readCases(join(folder, 'data'), { several: false })).toEqual([]);
  });

  test('hidden files are not golden data', async () => {
    await put('data/input/.gitkeep', '');
    await put('data/output/.gitkeep', '');
    const { inputs, outputs } = await onlyCase();
    expect([inputs, outputs.size]).toEqual([[], 0]);
  });

  test('two files of one case are refused, and what to do is said', async () => {
    await put('data/input/a.csv', 'x');
    await put('data/input/b.csv', 'x');
    await expect(readCases(join(folder, 'data'), { several: false })).rejects.toThrow(
      'has 2 files (a.csv, b.csv), but a job has one: make a case of each, data/CASE/input/FILE',
    );
  });

  test('of a task whose granules have several files they are one case', async () => {
    await put('data/input/a.h5', 'x');
    await put('data/input/a.xml', 'x');
    const [golden] = await readCases(join(folder, 'data'), { several: true });
    expect(golden?.inputs).toHaveLength(2);
  });

  test.each([
    ['data/compare.json', '{', 'compare.json is not JSON'],
    ['data/params.json', '[]', 'params.json: it must be an object'],
    ['data/output/SHA256SUMS', 'abc  x', '"abc  x" is no line of sha256sum’s'],
    ['data/source.json', '{"input":[{"name":"../x"}]}', 'source.json: input.0.name'],
  ])('%s that says %s is refused', async (name, body, message) => {
    await put('data/input/a.csv', 'x');
    await put(name, body);
    await expect(readCases(join(folder, 'data'), { several: false })).rejects.toThrow(message);
  });
});

describe('outputs', () => {
  test('a missing, an unexpected and an ignored file', async () => {
    await put('data/output/a.txt', 'a');
    await put('data/compare.json', '{"ignoreFiles":["*.log"]}');
    const made = new Map([
      ['b.txt', await put('made/b.txt', 'b')],
      ['c.log', await put('made/c.log', 'c')],
    ]);
    const found = await compareOutputs(await onlyCase(), { made, fetch });
    expect(
      found.map(({ file, differences }) => [file, differences[0]!.expected, differences[0]!.got]),
    ).toEqual([
      ['a.txt', 'a file of this name', 'nothing'],
      ['b.txt', 'no file of this name', 'one'],
    ]);
  });

  test('what is known by its checksum alone is compared by it', async () => {
    await put('data/output/SHA256SUMS', `${sha256('large')}  a.tif\n`);
    const golden = await onlyCase();
    const good = new Map([['a.tif', await put('made/a.tif', 'large')]]);
    const bad = new Map([['a.tif', await put('made/b.tif', 'larger')]]);
    expect(await compareOutputs(golden, { made: good, fetch })).toEqual([]);
    expect(await compareOutputs(golden, { made: bad, fetch })).toEqual([
      {
        file: 'a.tif',
        count: 1,
        differences: [{ where: 'SHA-256', expected: sha256('large'), got: sha256('larger') }],
      },
    ]);
  });

  test('--update writes what differs, its checksums too, removes what is no longer made, and leaves the rest', async () => {
    await put('data/output/same.txt', 'within the rules');
    await put('data/output/old.txt', 'old');
    await put('data/compare.json', '{"files":{"*.tif":{"as":"checksum"}}}');
    const made = new Map([
      ['same.txt', await put('made/same.txt', 'another text')],
      ['deep/new.txt', await put('made/new.txt', 'new')],
      ['a.tif', await put('made/a.tif', 'large')],
    ]);
    const updated = await updateGolden(await onlyCase(), made, new Set(['deep/new.txt', 'a.tif', 'old.txt']));
    expect(updated).toEqual({ written: ['deep/new.txt', 'a.tif'], removed: ['old.txt'], remote: [] });
    const output = join(folder, 'data/output');
    expect((await readdir(output)).sort()).toEqual(['SHA256SUMS', 'deep', 'same.txt']);
    expect(await readFile(join(output, 'same.txt'), 'utf8')).toBe('within the rules');
    expect(await readFile(join(output, 'SHA256SUMS'), 'utf8')).toBe(`${sha256('large')}  a.tif\n`);
    expect(await compareOutputs(await onlyCase(), { made, fetch })).toHaveLength(1);
  });
});

describe('golden files that are kept elsewhere', () => {
  let server: Server;
  let asked: number;
  let body: string;
  beforeEach(async () => {
    asked = 0;
    body = 'a large file';
    server = createServer((request, response) => {
      asked += 1;
      if (request.url === '/gone') response.statusCode = 404;
      response.end(body);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterEach(() => new Promise((done) => server.close(done)));

  const remote = (changes: Partial<RemoteFile> = {}): RemoteFile => ({
    name: 'big/a.h5',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.h5`,
    sha256: sha256('a large file'),
    bytes: 12,
    ...changes,
  });

  test('one is fetched once, under its own name', async () => {
    const path = await fetchGolden(remote(), folder);
    expect(path).toMatch(/\/golden\/[0-9a-f]{64}\/a\.h5$/);
    expect(await readFile(path, 'utf8')).toBe('a large file');
    expect(await fetchGolden(remote(), folder)).toBe(path);
    expect(asked).toBe(1);
  });

  test('another file at that address is refused and not kept', async () => {
    body = 'another file';
    await expect(fetchGolden(remote(), folder)).rejects.toThrow(
      `is not big/a.h5 as source.json knows it: 12 bytes with SHA-256 ${sha256('another file')}, expected 12 with`,
    );
    body = 'a large file, and more of it';
    await expect(fetchGolden(remote(), folder)).rejects.toThrow('it has more than 12 bytes');
    expect(
      (await readdir(join(folder, 'golden'), { recursive: true })).filter((name) => name.includes('a.h5')),
    ).toEqual([]);
    body = 'a large file';
    expect(await fetchGolden(remote(), folder)).toBeDefined();
  });

  test('an address with nothing behind it is told', async () => {
    const url = remote().url.replace('a.h5', 'gone');
    await expect(fetchGolden(remote({ url }), folder)).rejects.toThrow(
      `big/a.h5 could not be fetched from ${url}: HTTP 404 Not Found`,
    );
  });

  test('as input of a case it counts as its one file', async () => {
    await put('data/input/a.csv', 'x');
    await put('data/source.json', JSON.stringify({ input: [remote()] }));
    await expect(readCases(join(folder, 'data'), { several: false })).rejects.toThrow(
      'has 2 files (a.csv, big/a.h5)',
    );
  });

  test('--update says what source.json should say, and cannot write there', async () => {
    await put('data/source.json', JSON.stringify({ output: [remote()] }));
    await put('data/params.json', '{}');
    const made = new Map([['big/a.h5', await put('made/a.h5', 'new')]]);
    const updated = await updateGolden(await onlyCase(), made, new Set(['big/a.h5']));
    expect(updated).toEqual({
      written: [],
      removed: [],
      remote: [{ name: 'big/a.h5', sha256: sha256('new'), bytes: 3 }],
    });
  });
});
