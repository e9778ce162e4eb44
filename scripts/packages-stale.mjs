/**
 * Whether node_modules is what package-lock.json says: exit 0, or exit 1 with the reason on stdout. Plain JavaScript,
 * because it runs before Node 24 is there.
 */
import { readFile } from 'node:fs/promises';

async function packages(file) {
  return JSON.parse(await readFile(new URL(`../${file}`, import.meta.url), 'utf8')).packages;
}

async function stale() {
  const wanted = await packages('package-lock.json');
  let installed;
  try {
    // npm's own account of what it installed.
    installed = await packages('node_modules/.package-lock.json');
  } catch {
    return 'node_modules is not there';
  }
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.optional || entry.devOptional || entry.link) continue;
    if (installed[path]?.version !== entry.version) {
      return `${path} is ${installed[path]?.version ?? 'missing'}, package-lock.json says ${entry.version}`;
    }
  }
  return undefined;
}

const reason = await stale();
if (reason !== undefined) {
  console.log(reason);
  process.exitCode = 1;
}
