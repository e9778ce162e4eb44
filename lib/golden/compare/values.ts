/** Nested values as JSON has them, by paths: `features[3].properties.count`. */
import type { Rule } from '../rules.ts';
import { MOST_TOLD, shown, type Difference } from './difference.ts';
import { apartText, close } from './numbers.ts';

type Step = string | number;

/** `count` goes on after the first {@link MOST_TOLD}. */
export interface Found {
  differences: Difference[];
  count: number;
}

export function compareValues(expected: unknown, got: unknown, rule: Rule): Found {
  const found: Found = { differences: [], count: 0 };
  const ignored = (rule.ignore ?? []).map(stepsOf);
  walk(expected, got, []);
  return found;

  function walk(a: unknown, b: unknown, path: Step[]): void {
    if (ignored.some((steps) => fits(steps, path))) return;
    if (Array.isArray(a) && Array.isArray(b)) return lists(a, b, path);
    if (isObject(a) && isObject(b)) return objects(a, b, path);
    if (isNumber(a) && isNumber(b)) {
      if (!close(a, b, rule)) tell(path, a, b, apartText(a, b));
      return;
    }
    if (a !== b) tell(path, a, b);
  }

  function lists(a: unknown[], b: unknown[], path: Step[]): void {
    if (a.length !== b.length)
      tell(path, `${a.length} items`, `${b.length} items`, undefined, (text) => String(text));
    for (let at = 0; at < Math.min(a.length, b.length); at += 1) walk(a[at], b[at], [...path, at]);
  }

  function objects(a: Record<string, unknown>, b: Record<string, unknown>, path: Step[]): void {
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const [mine, theirs] = [a, b].map((one) => (Object.hasOwn(one, name) ? one[name] : undefined));
      walk(mine, theirs, [...path, name]);
    }
  }

  function tell(
    path: Step[],
    a: unknown,
    b: unknown,
    detail?: string,
    show: (value: unknown) => string = shown,
  ): void {
    found.count += 1;
    if (found.differences.length >= MOST_TOLD) return;
    const where = pathText(path);
    found.differences.push({ where, expected: show(a), got: show(b), ...(detail ? { detail } : {}) });
  }
}

const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function pathText(path: Step[]): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join('');
}

/** `features[*].id` → `['features', '*', 'id']`. */
const stepsOf = (pattern: string): string[] =>
  pattern
    .replace(/^\$\.?/, '')
    .replace(/\[([^\]]*)\]/g, '.$1')
    .split('.')
    .filter((step) => step !== '');

/** `*` is any one step, `**` any number of them. */
function fits(pattern: string[], path: Step[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === '**') return fits(rest, path) || (path.length > 0 && fits(pattern, path.slice(1)));
  if (path.length === 0) return false;
  return (first === '*' || first === String(path[0])) && fits(rest, path.slice(1));
}
