/** One output against its golden file. */
import { stat } from 'node:fs/promises';
import type { ResolvedRule } from '../rules.ts';
import { compareBytes } from './bytes.ts';
import { compareCsv } from './csv.ts';
import { compareJson } from './json.ts';
import { compareNetcdf } from './netcdf.ts';
import { compareText } from './text.ts';
import type { Found } from './values.ts';

/** `checksum` is compared without the golden file, and not here. */
export async function compareFiles(expected: string, got: string, rule: ResolvedRule): Promise<Found> {
  switch (rule.as) {
    case 'json':
      return await compareJson(expected, got, rule);
    case 'csv':
      return await compareCsv(expected, got, rule);
    case 'netcdf':
      return await compareNetcdf(expected, got, rule);
    case 'text':
      return await compareText(expected, got, rule);
    case 'present':
      return await compareSizes(expected, got, rule.size);
    default:
      return await compareBytes(expected, got, rule);
  }
}

async function compareSizes(expected: string, got: string, share: number | undefined): Promise<Found> {
  const [a, b] = [(await stat(expected)).size, (await stat(got)).size];
  const allowed = share === undefined ? Infinity : a * share;
  if (Math.abs(a - b) <= allowed && (b > 0 || a === 0)) return { differences: [], count: 0 };
  const detail = share === undefined ? 'it is empty' : `more than ${share * 100} % apart`;
  return { differences: [{ where: 'size', expected: `${a} bytes`, got: `${b} bytes`, detail }], count: 1 };
}
