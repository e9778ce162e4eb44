/** JSON files: values by their paths, whatever order the names come in. */
import { readFile } from 'node:fs/promises';
import type { Rule } from '../rules.ts';
import { shown } from './difference.ts';
import { compareValues, type Found } from './values.ts';

export async function compareJson(expected: string, got: string, rule: Rule): Promise<Found> {
  const golden: unknown = JSON.parse(await readFile(expected, 'utf8'));
  const text = await readFile(got, 'utf8');
  let made: unknown;
  try {
    made = JSON.parse(text);
  } catch (error) {
    const difference = {
      where: '',
      expected: 'JSON',
      got: shown(text.slice(0, 60)),
      detail: (error as Error).message,
    };
    return { differences: [difference], count: 1 };
  }
  return compareValues(golden, made, rule);
}
