/** What a new task may be called. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { NAME } from '../lib/tasks/check-task.ts';
import { UsageError } from './errors.ts';
import { BASE, STAGE } from './images.ts';
import { PROJECT } from './project.ts';

/** Verbs and files that would mean something else. */
const TAKEN = new Set([BASE.name, STAGE.name, 'generate', 'index']);

/** Throws {@link UsageError}: nothing that is there is ever written over. */
export async function checkName(name: string): Promise<void> {
  if (!NAME.test(name))
    throw new UsageError(
      `"${name}" cannot name a task: 1 to 32 of a-z, 0-9 and "-", beginning with a letter`,
    );
  if (TAKEN.has(name)) throw new UsageError(`"${name}" is the name of something else here: choose another`);
  for (const folder of ['tasks', 'containers']) {
    const path = join(PROJECT, folder, name);
    if (existsSync(path))
      throw new UsageError(
        `There is ${relative(process.cwd(), path)} already: choose another name, or remove it`,
      );
  }
}

/** `sea-surface` → `seaSurface`, a name that TypeScript takes. */
export function identifier(name: string): string {
  const camel = name.replace(/-+(.)?/g, (_, letter: string | undefined) => (letter ?? '').toUpperCase());
  return RESERVED.has(camel) ? `${camel}Task` : camel;
}

/** Words of the language, and what tasks/index.ts calls its own. */
const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function if implements import in instanceof interface let new null package private protected ' +
    'public return static super switch this throw true try typeof undefined var void while with yield tasks taskMap'
  ).split(' '),
);
