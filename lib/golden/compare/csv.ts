/** CSV and TSV files: cells by row and column. The first row names the columns. */
import { readFile } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import type { Rule } from '../rules.ts';
import { MOST_TOLD, shown, type Difference } from './difference.ts';
import { apartText, close } from './numbers.ts';
import type { Found } from './values.ts';

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

export async function compareCsv(expected: string, got: string, rule: Rule): Promise<Found> {
  const golden = await read(expected);
  let made: string[][];
  try {
    made = await read(got);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return {
      differences: [{ where: '', expected: 'CSV', got: 'something else', detail: error.message }],
      count: 1,
    };
  }
  const found: Found = { differences: [], count: 0 };
  const tell = (difference: Difference): void => {
    found.count += 1;
    if (found.differences.length < MOST_TOLD) found.differences.push(difference);
  };
  const [names = [], ...rows] = golden;
  const [madeNames = [], ...madeRows] = made;
  if (names.join('\0') !== madeNames.join('\0'))
    tell({ where: 'columns', expected: names.join(', '), got: madeNames.join(', ') });
  if (rows.length !== madeRows.length)
    tell({ where: 'rows', expected: String(rows.length), got: String(madeRows.length) });
  const columns = names
    .map((name, at) => ({ name, at, to: madeNames.indexOf(name) }))
    .filter(({ name, to }) => to >= 0 && !rule.ignore?.includes(name));
  for (let row = 0; row < Math.min(rows.length, madeRows.length); row += 1) {
    for (const { name, at, to } of columns) {
      const difference = cell(rows[row]![at], madeRows[row]![to], rule);
      if (difference) tell({ where: `row ${row + 1}, column ${shown(name)}`, ...difference });
    }
  }
  return found;
}

function cell(
  a: string | undefined,
  b: string | undefined,
  rule: Rule,
): Omit<Difference, 'where'> | undefined {
  if (a === b) return undefined;
  const numbers = a !== undefined && b !== undefined && NUMBER.test(a) && NUMBER.test(b);
  if (numbers && close(Number(a), Number(b), rule)) return undefined;
  const detail = numbers ? apartText(Number(a), Number(b)) : '';
  return {
    expected: numbers ? a.trim() : shown(a),
    got: numbers ? b.trim() : shown(b),
    ...(detail ? { detail } : {}),
  };
}

async function read(path: string): Promise<string[][]> {
  return parse(await readFile(path), {
    bom: true,
    delimiter: path.toLowerCase().endsWith('.tsv') ? '\t' : [',', ';'],
    relax_column_count: true,
    skip_empty_lines: true,
  });
}
