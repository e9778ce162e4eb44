/** All outputs of a case against its golden data. */
import { sha256File } from '../../stage/sha256.ts';
import type { Expected, GoldenCase } from '../cases.ts';
import { isIgnored, ruleFor } from '../rules.ts';
import type { RemoteFile } from '../source.ts';
import type { Difference } from './difference.ts';
import { compareFiles } from './files.ts';
import type { Found } from './values.ts';

export interface FileDifferences {
  file: string;
  /** At most {@link MOST_TOLD}. */
  differences: Difference[];
  /** All of them. */
  count: number;
}

export interface Outputs {
  /** Name of each output that was made: its path. */
  made: ReadonlyMap<string, string>;
  /** Path of a golden file that is kept elsewhere. */
  fetch: (file: RemoteFile) => Promise<string>;
}

/** Files that differ, in name order; none when all is as it should be. */
export async function compareOutputs(
  { compare, outputs }: Pick<GoldenCase, 'compare' | 'outputs'>,
  { made, fetch }: Outputs,
): Promise<FileDifferences[]> {
  const names = [...new Set([...outputs.keys(), ...made.keys()])].filter((name) => !isIgnored(compare, name));
  const results: FileDifferences[] = [];
  for (const file of names.sort()) {
    const [expected, path] = [outputs.get(file), made.get(file)];
    const { differences, count } = await compareOne(file, expected, path);
    if (count > 0) results.push({ file, differences, count });
  }
  return results;

  async function compareOne(
    name: string,
    expected: Expected | undefined,
    path: string | undefined,
  ): Promise<Found> {
    if (!path) return one('', 'a file of this name', 'nothing');
    if (!expected) return one('', 'no file of this name', 'one');
    const rule = ruleFor(compare, name);
    if (expected.kind === 'sum') return await compareSum(expected.sha256, path);
    if (rule.as === 'checksum' && expected.kind === 'remote')
      return await compareSum(expected.file.sha256, path);
    const golden = expected.kind === 'file' ? expected.path : await fetch(expected.file);
    return await compareFiles(golden, path, rule);
  }
}

async function compareSum(expected: string, path: string): Promise<Found> {
  const got = await sha256File(path);
  return got === expected ? { differences: [], count: 0 } : one('SHA-256', expected, got);
}

const one = (where: string, expected: string, got: string): Found => ({
  differences: [{ where, expected, got }],
  count: 1,
});
