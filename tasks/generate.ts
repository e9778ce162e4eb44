/** `node tasks/generate.ts`: writes what is generated from the task files (`lib/tasks/documents.ts`). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { documents } from '../lib/tasks/documents.ts';
import { tasks } from './index.ts';

const root = join(import.meta.dirname, '..');

for (const { path, content } of await documents(tasks, (name) => readFile(join(root, name), 'utf8'))) {
  await writeFile(join(root, path), content);
}
