/** Golden output written anew, from what the container made. */
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256File } from '../stage/sha256.ts';
import { filesBelow, SUMS, type GoldenCase } from './cases.ts';
import { isIgnored, ruleFor } from './rules.ts';

export interface Updated {
  /** Names of files that were written. */
  written: string[];
  removed: string[];
  /** Files that are kept elsewhere and differ: what source.json should say of them once they are there. */
  remote: { name: string; sha256: string; bytes: number }[];
}

/** `changed` are the names of outputs that differ. What is as it was under the rules stays as it is. */
export async function updateGolden(
  golden: GoldenCase,
  made: ReadonlyMap<string, string>,
  changed: ReadonlySet<string>,
): Promise<Updated> {
  const folder = join(golden.dir, 'output');
  await mkdir(folder, { recursive: true });
  const updated: Updated = { written: [], removed: [], remote: [] };
  const sums: string[] = [];
  for (const [name, path] of made) {
    if (isIgnored(golden.compare, name)) continue;
    const known = golden.outputs.get(name);
    const bySum = ruleFor(golden.compare, name).as === 'checksum' && known?.kind !== 'remote';
    const sha256 = bySum || known?.kind === 'sum' ? await sha256File(path) : undefined;
    if (sha256 !== undefined) sums.push(`${sha256}  ${name}\n`);
    if (!changed.has(name)) continue;
    if (known?.kind === 'remote') {
      updated.remote.push({ name, sha256: await sha256File(path), bytes: (await stat(path)).size });
      continue;
    }
    updated.written.push(name);
    if (sha256 !== undefined) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await copyFile(path, join(folder, name));
  }
  for (const name of await filesBelow(folder)) {
    if (name === SUMS || (made.has(name) && !isIgnored(golden.compare, name))) continue;
    await rm(join(folder, name));
    updated.removed.push(name);
  }
  await rm(join(folder, SUMS), { force: true });
  if (sums.length > 0) await writeFile(join(folder, SUMS), sums.sort().join(''));
  return updated;
}
