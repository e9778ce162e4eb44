/**
 * The golden data of a task, `tasks/<name>/data`:
 *
 *     input/  output/           one case: a file that goes in (or none, or a granule's several), and what comes out of it
 *     params.json               its parameters
 *     compare.json              rules of comparison (rules.ts)
 *     source.json               large files that are kept elsewhere (source.ts)
 *     <case>/                   another case, with the same things in it; rules that it has none of are those above
 *
 * Names that begin with a dot are not looked at.
 */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Params } from '../pipeline/job.ts';
import { hasCode } from '../local/errors.ts';
import { readIfThere } from '../local/read-if-there.ts';
import { BadGoldenError } from './errors.ts';
import { readCompare, type CompareFile } from './rules.ts';
import { readSource, type RemoteFile, type SourceFile } from './source.ts';

/** What is known of one output: a file here, one elsewhere, or no more than its checksum. */
export type Expected =
  | { kind: 'file'; path: string }
  | { kind: 'remote'; file: RemoteFile }
  | { kind: 'sum'; sha256: string };

/** One file that goes in; its name is its path below the input folder. */
export type Input = { name: string } & (
  | { kind: 'file'; path: string }
  | { kind: 'remote'; file: RemoteFile }
);

export interface GoldenCase {
  /** Empty for the one that stands in `data` itself. */
  name: string;
  dir: string;
  params: Params;
  compare: CompareFile;
  /** What goes in: one file, none, or the several of a granule. */
  inputs: Input[];
  outputs: ReadonlyMap<string, Expected>;
}

const CASE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const OWN = new Set(['input', 'output']);
/** As `sha256sum` writes and checks it. */
export const SUMS = 'SHA256SUMS';

/**
 * Every case of `data`, in name order; none where there is no such folder. `several`: whether a job of the task may have more
 * than one file. Throws {@link BadGoldenError}.
 */
export async function readCases(data: string, { several }: { several: boolean }): Promise<GoldenCase[]> {
  const names = await foldersOf(data);
  const cases: GoldenCase[] = [];
  const shared = (await readJson(join(data, 'compare.json'))) ?? {};
  if (names.some((name) => OWN.has(name)) || (await readJson(join(data, 'params.json'))) !== undefined)
    cases.push(await readCase('', data, shared, several));
  for (const name of names) {
    if (OWN.has(name)) continue;
    if (!CASE_NAME.test(name))
      throw new BadGoldenError(`${join(data, name)}: a case is named by letters, digits, . _ -`);
    cases.push(await readCase(name, join(data, name), shared, several));
  }
  return cases;
}

async function readCase(name: string, dir: string, shared: unknown, several: boolean): Promise<GoldenCase> {
  const path = join(dir, 'compare.json');
  const compare = readCompare((await readJson(path)) ?? shared, path);
  const source = readSource((await readJson(join(dir, 'source.json'))) ?? {}, join(dir, 'source.json'));
  const params = (await readJson(join(dir, 'params.json'))) ?? {};
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw new BadGoldenError(`${join(dir, 'params.json')}: it must be an object, a parameter a name`);
  return {
    name,
    dir,
    params: params as Params,
    compare,
    inputs: await inputsOf(dir, source, several),
    outputs: await outputsOf(dir, source),
  };
}

async function inputsOf(dir: string, source: SourceFile, several: boolean): Promise<GoldenCase['inputs']> {
  const folder = join(dir, 'input');
  const local = (await filesBelow(folder)).map((name): Input => ({
    kind: 'file',
    name,
    path: join(folder, name),
  }));
  const remote = (source.input ?? []).map((file): Input => ({ kind: 'remote', name: file.name, file }));
  const found = [...local, ...remote];
  if (found.length > 1 && !several) {
    const names = found.map(({ name }) => name);
    throw new BadGoldenError(
      `${folder} has ${found.length} files (${names.join(', ')}), but a job has one: make a case of each, data/CASE/input/FILE`,
    );
  }
  return found;
}

async function outputsOf(dir: string, source: SourceFile): Promise<Map<string, Expected>> {
  const folder = join(dir, 'output');
  const outputs = new Map<string, Expected>();
  for (const file of source.output ?? []) outputs.set(file.name, { kind: 'remote', file });
  for (const name of await filesBelow(folder)) {
    if (name === SUMS) continue;
    if (outputs.has(name))
      throw new BadGoldenError(`${name} is in source.json and in ${folder}: keep one of them`);
    outputs.set(name, { kind: 'file', path: join(folder, name) });
  }
  for (const [name, sha256] of await readSums(join(folder, SUMS))) {
    if (outputs.has(name))
      throw new BadGoldenError(
        `${join(folder, SUMS)} names ${name}, which is kept whole: remove one of them`,
      );
    outputs.set(name, { kind: 'sum', sha256 });
  }
  return outputs;
}

async function readSums(path: string): Promise<[string, string][]> {
  const text = (await readIfThere(path)) ?? '';
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
      if (sum === undefined || name === undefined)
        throw new BadGoldenError(`${path}: "${line}" is no line of sha256sum’s`);
      return [name, sum];
    });
}

/** Names of files below a folder, `/`-separated, in order. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(none);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => !name.split('/').some((part) => part.startsWith('.')))
    .sort();
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(none);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

function none(error: unknown): never[] {
  if (hasCode(error, 'ENOENT')) return [];
  throw error;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadGoldenError(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
