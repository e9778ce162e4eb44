import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { documents, fillIn, outputTable, parameterTable } from '../../../lib/tasks/documents.ts';
import { tasks } from '../../../tasks/index.ts';
import { makeTask } from './factories.ts';

const readProjectFile = (path: string): Promise<string> =>
  readFile(join(import.meta.dirname, '../../..', path), 'utf8');

const written = await documents(tasks, readProjectFile);

describe('generated documents', () => {
  test.each(written.map(({ path, content }) => [path, content]))(
    '%s is fresh (else: node tasks/generate.ts)',
    async (path, content) => {
      expect(await readProjectFile(path)).toBe(content);
    },
  );

  test('are a README for each task, and the schemas', () => {
    expect(written.map(({ path }) => path)).toEqual([
      ...[...tasks.keys()].map((name) => `tasks/${name}/README.md`),
      'docs/manifest.schema.json',
      'docs/compare.schema.json',
      'docs/source.schema.json',
    ]);
  });
});

describe('tables', () => {
  const task = makeTask({
    params: z.object({
      kind: z.enum(['ram', 'hd']).default('ram').describe('Where'),
      level: z.int().describe('How hard'),
    }),
  });

  test('of parameters', () => {
    expect(parameterTable(task).split('\n').slice(2)).toEqual([
      '| `kind` | ram\\|hd | `ram` | Where | `KIND` |',
      '| `level` | integer | required | How hard | `LEVEL` |',
    ]);
  });

  test('of outputs', () => {
    expect(outputTable(task).split('\n').slice(1)).toEqual(['| --- | --- | --- |', '| `*.txt` | copy |  |']);
  });
});

describe('fillIn', () => {
  test('replaces what stands in its place, once and again', () => {
    const once = fillIn('a\n<!-- x -->\nold\n<!-- /x -->\nb', 'x', 'new', 'README.md');
    expect(once).toBe('a\n<!-- x -->\nnew\n<!-- /x -->\nb');
    expect(fillIn(once, 'x', 'new', 'README.md')).toBe(once);
  });

  test.each(['', '<!-- x -->', '<!-- /x --> <!-- x -->'])('"%s" has no place', (text) => {
    expect(() => fillIn(text, 'x', 'new', 'README.md')).toThrow('README.md has no <!-- x --> … <!-- /x -->');
  });
});
