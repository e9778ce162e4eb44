/** Folders for tests: below the system's temporary folder, removed afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempFolder {
  path: string;
  remove(): Promise<void>;
}

export async function tempFolder(name: string): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true });
    },
  };
}
