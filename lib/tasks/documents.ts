/** What is generated from the task files: tables in their READMEs, and the JSON Schemas by which editors complete manifests and rules. */
import * as z from 'zod';
import { CompareFile } from '../golden/rules.ts';
import { SourceFile } from '../golden/source.ts';
import { manifestModel } from '../pipeline/manifest-model.ts';
import type { TaskDefinition } from './define-task.ts';
import { describeParams } from './params.ts';

/** A document and the text that it should have. */
export interface Document {
  /** From the project's root. */
  path: string;
  content: string;
}

/** `readme` is asked for the README that there is, by its path. Run by `node tasks/generate.ts`; a test compares. */
export async function documents(
  tasks: ReadonlyMap<string, TaskDefinition>,
  readme: (path: string) => Promise<string>,
): Promise<Document[]> {
  const readmes = await Promise.all(
    [...tasks.values()].map(async (task) => {
      const path = `tasks/${task.name}/README.md`;
      const filled = fillIn(await readme(path), 'parameters', parameterTable(task), path);
      return { path, content: fillIn(filled, 'outputs', outputTable(task), path) };
    }),
  );
  const schema = {
    path: 'docs/manifest.schema.json',
    content: `${JSON.stringify(manifestSchema(tasks), null, 2)}\n`,
  };
  return [...readmes, schema, ...goldenSchemas()];
}

/** By which editors complete `data/compare.json` and `data/source.json`. */
function goldenSchemas(): Document[] {
  const schemas = [
    {
      name: 'compare',
      title: 'How the outputs of a task are compared with its golden data',
      schema: CompareFile,
    },
    { name: 'source', title: 'Golden files of a task that are kept elsewhere', schema: SourceFile },
  ];
  return schemas.map(({ name, title, schema }) => ({
    path: `docs/${name}.schema.json`,
    content: `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)}\n`,
  }));
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. Throws where a README has no such place. */
export function fillIn(text: string, name: string, content: string, path: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) {
    throw new Error(
      `${path} has no ${open} … ${close}: the ${name} of the task are written between these lines`,
    );
  }
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`;
}

export function parameterTable(task: TaskDefinition): string {
  const rows = describeParams(task).map(({ name, env, type, default: value, required, description }) => {
    const fallback = value === undefined ? (required ? 'required' : '') : `\`${value}\``;
    return [`\`${name}\``, type, fallback, description, `\`${env}\``];
  });
  return table(['parameter', 'type', 'default', 'what it does', 'environment'], rows);
}

export function outputTable(task: TaskDefinition): string {
  const rows = task.outputs.map(({ pattern, description, checks }) => [
    `\`${pattern}\``,
    description,
    checks.map(({ name }) => name).join(', '),
  ]);
  return table(['file', 'what it is', 'checked before it is published'], rows);
}

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map(row).join('\n');

const row = (cells: string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** JSON Schema (2020-12) of a manifest that names only these tasks and their parameters. */
export function manifestSchema(tasks: ReadonlyMap<string, TaskDefinition>): unknown {
  // The shape, without what the schema says of several parameters together: JSON Schema cannot say it.
  const shapes = [...tasks.values()].map(({ params }) => z.strictObject(params.shape).partial());
  const { manifest, job } = manifestModel(z.enum([...tasks.keys()]), z.union(shapes));
  return {
    title: 'A longshore manifest: many jobs of one run',
    ...z.toJSONSchema(z.union([manifest, z.array(job)]), { io: 'input' }),
  };
}
