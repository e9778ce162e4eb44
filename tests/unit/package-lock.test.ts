import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';

interface Entry {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

// npm leaves out what a registry did not have when the file was written, and `npm ci` then refuses the whole file.
test('package-lock.json has an entry for every optional dependency, also of other platforms', async () => {
  const url = new URL('../../package-lock.json', import.meta.url);
  const { packages } = JSON.parse(await readFile(url, 'utf8')) as { packages: Record<string, Entry> };
  const absent = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  expect(absent).toEqual([]);
});
