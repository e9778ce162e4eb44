/** Parameters at the edge: what a person or a manifest gives becomes typed values, and those an environment. */
import * as z from 'zod';
import type { Params, ParamValue } from '../pipeline/job.ts';
import type { TaskDefinition } from './define-task.ts';
import { paramText, paramType, type ParamType } from './param-type.ts';
import { nearest } from './nearest.ts';

/** Every fault of the given parameters at once, each a sentence that names the parameter, its value and what is allowed. */
export class BadParamsError extends Error {
  override name = 'BadParamsError';
  readonly faults: string[];
  constructor(task: string, faults: string[]) {
    super(`Bad parameters for ${task}: ${faults.join('; ')}`);
    this.faults = faults;
  }
}

/** `['type=hd', 'area=europe/monaco']` → `{ type: 'hd', area: 'europe/monaco' }`. Throws {@link BadParamsError}. */
export function readAssignments(
  task: Pick<TaskDefinition, 'name'>,
  assignments: string[],
): Record<string, string> {
  const values = new Map<string, string>();
  const faults: string[] = [];
  for (const assignment of assignments) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined) {
      faults.push(`"${assignment}" is not of the form name=value`);
    } else if (values.has(name)) {
      faults.push(`${name} is given twice: "${values.get(name)}" and "${value}"`);
    } else {
      values.set(name, value);
    }
  }
  if (faults.length > 0) {
    throw new BadParamsError(task.name, faults);
  }
  return Object.fromEntries(values);
}

export type CheckedParams<S extends z.ZodObject = z.ZodObject> =
  | {
      ok: true;
      /** As given, typed; what was not given stays absent, so that the handler's own default holds. */
      given: Params;
      /** The same with the defaults filled in: what `size`, `source` and the checks are asked with. */
      params: z.output<S>;
    }
  | { ok: false; faults: string[] };

/**
 * Text becomes a number, a boolean (`true`, `false`) or a list (`en,de`) where the schema wants one. All faults are told,
 * each with the parameter, its value and what is allowed.
 */
export function checkParams<S extends z.ZodObject>(
  task: TaskDefinition<S>,
  raw: Readonly<Record<string, ParamValue>>,
): CheckedParams<S> {
  const faults = unknownNames(task, raw);
  const given: Params = {};
  for (const [name, type] of paramTypes(task)) {
    const value = Object.hasOwn(raw, name) ? raw[name] : undefined;
    if (value === undefined) {
      faults.push(...(type.required ? [`${name} is missing (${expected(type)})`] : []));
      continue;
    }
    const { success, data, error } = z.safeParse(task.params.shape[name], coerce(value, type));
    if (success) {
      given[name] = data as ParamValue;
    } else {
      faults.push(`${name} is ${JSON.stringify(value)}, but must be ${expected(type, error)}`);
    }
  }
  if (faults.length > 0) {
    return { ok: false, faults };
  }
  // Only now the schema as a whole: it may have refinements over several parameters.
  const whole = task.params.safeParse(given);
  return whole.success
    ? { ok: true, given, params: whole.data }
    : { ok: false, faults: whole.error.issues.map(({ message }) => message) };
}

/** `skipPoi` and `skip-poi` → `SKIP_POI`. */
export function envName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();
}

/** Environment of the main container; lists are joined by `,`. A parameter that is not given is not there. */
export function paramsToEnv(task: TaskDefinition, params: Params): Record<string, string> {
  return Object.fromEntries(
    [...paramTypes(task).keys()]
      .filter((name) => params[name] !== undefined)
      .map((name) => [envName(name), paramText(params[name])]),
  );
}

export interface ParamHelp {
  name: string;
  env: string;
  /** `ram|hd`, `integer`, `a,b,…`. */
  type: string;
  /** As it would be given on the command line; absent when there is none. */
  default?: string;
  required: boolean;
  description: string;
}

/** One entry a parameter, in the schema's order: for `--help` and the generated tables. */
export function describeParams(task: TaskDefinition): ParamHelp[] {
  return [...paramTypes(task)].map(([name, type]) => ({
    name,
    env: envName(name),
    type: typeLabel(type),
    ...(type.default === undefined ? {} : { default: type.default }),
    required: type.required,
    description: type.description,
  }));
}

/** Lines of `--help`, names and types in columns. */
export function paramHelpLines(task: TaskDefinition): string[] {
  const params = describeParams(task);
  const left = params.map((param) => `${param.name}=${param.type}`);
  const width = Math.max(0, ...left.map((text) => text.length));
  return params.map((param, index) => {
    const note =
      param.default === undefined ? (param.required ? ' (required)' : '') : ` (default: ${param.default})`;
    return `${left[index]!.padEnd(width)}  ${param.description}${note}`;
  });
}

/** By schema: the parameters of ten thousand jobs are checked against one. */
const TYPES = new WeakMap<z.ZodObject, Map<string, ParamType>>();

function paramTypes({ params }: TaskDefinition): Map<string, ParamType> {
  const known = TYPES.get(params);
  if (known) return known;
  const types = new Map(Object.entries(params.shape).map(([name, schema]) => [name, paramType(schema)]));
  TYPES.set(params, types);
  return types;
}

function unknownNames(task: TaskDefinition, given: Readonly<Record<string, ParamValue>>): string[] {
  const known = Object.keys(task.params.shape);
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const guess = nearest(name, known);
      return `there is no parameter "${name}"${guess ? `: did you mean "${guess}"?` : ''} (there are ${known.join(', ')})`;
    });
}

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

// Text that does not look like the wanted type is passed on as it is: the schema then refuses it, and the fault shows it.
function coerce(value: ParamValue, { kind }: ParamType): unknown {
  if (typeof value !== 'string') {
    return value;
  }
  switch (kind) {
    case 'number':
    case 'integer':
      return NUMBER.test(value) ? Number(value) : value;
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value;
    case 'list':
      return value === '' ? [] : value.split(',').map((item) => item.trim());
    default:
      return value;
  }
}

function expected({ kind, values }: ParamType, error?: z.ZodError): string {
  const words: Record<ParamType['kind'], string> = {
    enum: `one of ${values?.join(', ')}`,
    list: values ? `a list of any of ${values.join(', ')}` : 'a list: a,b,…',
    boolean: 'true or false',
    integer: 'a whole number',
    number: 'a number',
    string: 'text',
  };
  // A wrong type or value is said by these words already; a bound or a pattern has more to tell, and says it all for text.
  const more = (error?.issues ?? [])
    .filter(({ code }) => code !== 'invalid_type' && code !== 'invalid_value')
    .map(({ message }) => message)
    .join('; ');
  return more === '' ? words[kind] : kind === 'string' ? more : `${words[kind]} (${more})`;
}

const typeLabel = ({ kind, values }: ParamType): string =>
  kind === 'enum' ? values!.join('|') : kind === 'list' ? (values ? `${values.join('|')},…` : 'a,b,…') : kind;
