/** Text files, line by line. */
import { readFile } from 'node:fs/promises';
import type { Rule } from '../rules.ts';
import { MOST_TOLD, shown } from './difference.ts';
import type { Found } from './values.ts';

export async function compareText(expected: string, got: string, rule: Rule): Promise<Found> {
  const ignored = (rule.ignoreLines ?? []).map((text) => new RegExp(text));
  const read = async (path: string): Promise<{ line: string; at: number }[]> =>
    (await readFile(path, 'utf8'))
      .split('\n')
      .map((line, index) => ({ line, at: index + 1 }))
      .filter(({ line }) => !ignored.some((expression) => expression.test(line)));
  const [golden, made] = [await read(expected), await read(got)];
  const found: Found = { differences: [], count: 0 };
  for (let index = 0; index < Math.max(golden.length, made.length); index += 1) {
    const [a, b] = [golden[index], made[index]];
    if (a?.line === b?.line) continue;
    found.count += 1;
    if (found.differences.length >= MOST_TOLD) continue;
    found.differences.push({
      where: `line ${(b ?? a)!.at}`,
      expected: shown(a?.line),
      got: shown(b?.line),
    });
  }
  return found;
}
