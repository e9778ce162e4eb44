/** What a netCDF or HDF5 file holds, whichever library reads it, and how two of them are compared. */
import picomatch from 'picomatch';
import type { Rule } from '../rules.ts';
import { ArrayTally, type Values } from './arrays.ts';
import { MOST_TOLD, shown, type Difference } from './difference.ts';
import { compareValues, type Found } from './values.ts';

export interface ScienceFile {
  /** `HDF5`, `netCDF classic`. */
  format: string;
  /** Groups, by path; the root is `/`. */
  groups: string[];
  variables: ScienceVariable[];
  /** Path of an attribute (`@history`, `/sst@units`): its value. */
  attributes: ReadonlyMap<string, unknown>;
  close(): void;
}

export interface ScienceVariable {
  /** `/group/name`. */
  path: string;
  type: string;
  shape: number[];
  /** Names of its dimensions, where the file tells. */
  dimensions: string[];
  /** Values in order, `rows` of the first dimension at a time; everything of a scalar. */
  blocks(rows: number): Iterable<Values>;
}

/** So many values of each file are held at a time: 32 MB of doubles. */
const BLOCK_VALUES = 4 << 20;

export function compareScience(expected: ScienceFile, got: ScienceFile, rule: Rule): Found {
  const found: Found = { differences: [], count: 0 };
  const tell = (difference: Difference | undefined): void => {
    if (!difference) return;
    found.count += 1;
    if (found.differences.length < MOST_TOLD) found.differences.push(difference);
  };
  if (expected.format !== got.format) {
    tell({ where: 'format', expected: expected.format, got: got.format });
    return found;
  }
  const ignores = ignoring(rule);
  for (const name of missing(expected.groups, got.groups, ignores))
    tell({ where: name, expected: 'a group', got: 'nothing' });
  for (const name of missing(got.groups, expected.groups, ignores))
    tell({ where: name, expected: 'nothing', got: 'a group' });
  attributes(expected, got, rule, ignores).forEach(tell);
  const made = new Map(got.variables.map((variable) => [variable.path, variable]));
  for (const variable of expected.variables) {
    if (ignores(variable.path)) continue;
    const other = made.get(variable.path);
    if (other) compareVariable(variable, other, rule).forEach(tell);
    else tell({ where: variable.path, expected: describe(variable), got: 'nothing' });
  }
  const known = new Set(expected.variables.map(({ path }) => path));
  for (const variable of got.variables) {
    if (!known.has(variable.path) && !ignores(variable.path))
      tell({ where: variable.path, expected: 'nothing', got: describe(variable) });
  }
  return found;
}

const describe = ({ type, shape }: ScienceVariable): string => `${type}[${shape.join(',')}]`;

const missing = (mine: string[], theirs: string[], ignores: (path: string) => boolean): string[] =>
  mine.filter((path) => !theirs.includes(path) && !ignores(path));

function compareVariable(a: ScienceVariable, b: ScienceVariable, rule: Rule): Difference[] {
  const [golden, made] = [describe(a), describe(b)];
  if (golden !== made) return [{ where: a.path, expected: golden, got: made }];
  const dimensions = { expected: a.dimensions.join(', '), got: b.dimensions.join(', ') };
  const named =
    dimensions.expected === dimensions.got ? [] : [{ where: `${a.path}, dimensions`, ...dimensions }];
  const tally = new ArrayTally(a.path, a.shape, rule);
  const perRow = a.shape.slice(1).reduce((product, length) => product * length, 1);
  const rows = Math.max(1, Math.floor(BLOCK_VALUES / Math.max(1, perRow)));
  const others = b.blocks(rows)[Symbol.iterator]();
  for (const block of a.blocks(rows)) tally.add(block, (others.next().value ?? []) as Values);
  const values = tally.difference();
  return values ? [...named, values] : named;
}

function attributes(
  expected: ScienceFile,
  got: ScienceFile,
  rule: Rule,
  ignores: (path: string) => boolean,
): Difference[] {
  const paths = new Set([...expected.attributes.keys(), ...got.attributes.keys()]);
  const there = [expected, got].map(
    ({ variables, groups }) => new Set(['', ...groups, ...variables.map(({ path }) => path)]),
  );
  return (
    [...paths]
      .filter((path) => !ignores(path))
      // Of what one of them lacks, that is told, and not each of its attributes.
      .filter((path) => there.every((owners) => owners.has(path.slice(0, path.indexOf('@')))))
      .flatMap((path) => {
        const [a, b] = [expected.attributes.get(path), got.attributes.get(path)];
        const { ignore: _, ...tolerance } = rule;
        const { differences } = compareValues(a, b, tolerance);
        const [first] = differences;
        if (!first) return [];
        return [{ ...first, where: path, expected: shown(a), got: shown(b) }];
      })
  );
}

/**
 * `/sst` is a variable (and its attributes) or a group (and all in it), `/qa/**` all below a group, `@history` the
 * attributes of this name anywhere, `/sst@units` one attribute.
 */
function ignoring({ ignore = [] }: Rule): (path: string) => boolean {
  const tests = ignore.map((pattern) => {
    const [place = '', attribute] = pattern.split('@', 2);
    const isPlace = place === '' ? () => true : picomatch([place, `${place}/**`]);
    return (path: string): boolean => {
      const [own = '', name] = path.split('@', 2);
      if (attribute === undefined) return isPlace(own);
      return name !== undefined && isPlace(own) && picomatch.isMatch(name, attribute);
    };
  });
  return (path) => tests.some((test) => test(path));
}
