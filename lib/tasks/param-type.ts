/** What a parameter's zod schema is, in the few kinds that fit in an environment variable. */
import * as z from 'zod';

export type ParamKind = 'string' | 'number' | 'integer' | 'boolean' | 'enum' | 'list';

export interface ParamType {
  kind: ParamKind;
  /** The allowed values, of an `enum` or of the items of a `list`. */
  values?: string[];
  /** As it would be given on the command line; absent when there is none. */
  default?: string;
  /** It must be given: it has neither a default nor `.optional()`. */
  required: boolean;
  description: string;
}

/** The parameter cannot travel in an environment variable (an object, a union, a date). */
export class UnsupportedParamError extends Error {
  override name = 'UnsupportedParamError';
}

/** Follows `.optional()` and `.default()` inwards. Throws {@link UnsupportedParamError}, naming zod's type. */
export function paramType(schema: unknown): ParamType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    const inner = paramType(schema.unwrap());
    return {
      ...inner,
      ...(schema instanceof z.ZodDefault ? { default: paramText(schema.def.defaultValue) } : {}),
      required: false,
      description: schema.description ?? inner.description,
    };
  }
  if (!(schema instanceof z.ZodType)) {
    throw new UnsupportedParamError('is no zod schema');
  }
  return { ...kindOf(schema), required: true, description: schema.description ?? '' };
}

/** A value as it is given on the command line and in the environment: lists are joined by `,`. */
export function paramText(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : typeof value === 'string' ? value : JSON.stringify(value);
}

function kindOf(schema: z.ZodType): Pick<ParamType, 'kind' | 'values'> {
  // Not instanceof ZodString: z.url() and its like are zod strings of other classes.
  if (schema.def.type === 'string') {
    return { kind: 'string' };
  }
  if (schema instanceof z.ZodBoolean) {
    return { kind: 'boolean' };
  }
  if (schema instanceof z.ZodNumber) {
    return { kind: schema.format === 'safeint' || schema.format === 'int32' ? 'integer' : 'number' };
  }
  if (schema instanceof z.ZodEnum) {
    return { kind: 'enum', values: schema.options.map(String) };
  }
  if (schema instanceof z.ZodArray) {
    const item = paramType(schema.element);
    if (item.kind === 'string' || item.kind === 'enum') {
      return { kind: 'list', ...(item.values ? { values: item.values } : {}) };
    }
  }
  throw new UnsupportedParamError(
    `is a zod ${schema.def.type}; use string, number, boolean, enum or an array of strings, with .optional() or .default()`,
  );
}
