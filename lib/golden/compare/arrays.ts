/** Arrays of numbers with many dimensions, told by the first index that differs. */
import type { Rule } from '../rules.ts';
import { shown, type Difference } from './difference.ts';
import { apartText, close } from './numbers.ts';

export type Values = ArrayLike<unknown>;

/** Gathers what differs over the blocks of one array. */
export class ArrayTally {
  readonly #where: string;
  readonly #shape: readonly number[];
  readonly #rule: Rule;
  #first: { index: number; expected: unknown; got: unknown } | undefined;
  #worst = 0;
  #count = 0;
  #seen = 0;

  constructor(where: string, shape: readonly number[], rule: Rule) {
    this.#where = where;
    this.#shape = shape;
    this.#rule = rule;
  }

  /** The next block, in the order of the array. */
  add(expected: Values, got: Values): void {
    for (let at = 0; at < Math.max(expected.length, got.length); at += 1) {
      const [a, b] = [expected[at], got[at]];
      if (same(a, b, this.#rule)) continue;
      this.#count += 1;
      this.#first ??= { index: this.#seen + at, expected: a, got: b };
      if (isNumber(a) && isNumber(b)) this.#worst = Math.max(this.#worst, Math.abs(Number(a) - Number(b)));
    }
    this.#seen += expected.length;
  }

  difference(): Difference | undefined {
    if (!this.#first) return undefined;
    const { index, expected, got } = this.#first;
    const apart = isNumber(expected) && isNumber(got) ? apartText(expected, got) : '';
    const total = this.#seen > 1 ? `${this.#count} of ${this.#seen} values differ` : '';
    const worst = this.#count > 1 && this.#worst > 0 ? `by up to ${Number(this.#worst.toPrecision(6))}` : '';
    const detail = [apart, [total, worst].filter(Boolean).join(', ')].filter(Boolean).join('; ');
    return {
      where: `${this.#where}${indexText(index, this.#shape)}`,
      expected: shown(expected),
      got: shown(got),
      ...(detail ? { detail } : {}),
    };
  }
}

const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

function same(a: unknown, b: unknown, rule: Rule): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return close(a, b, rule);
  if (isList(a) && isList(b))
    return a.length === b.length && Array.from(a).every((one, at) => same(one, b[at], rule));
  return false;
}

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** `[12,40]` of the 51,880th value of an array of so many rows and columns; nothing for a scalar. */
function indexText(index: number, shape: readonly number[]): string {
  if (shape.length === 0) return '';
  const parts: number[] = [];
  let rest = index;
  for (const length of shape.toReversed()) {
    parts.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return `[${parts.join(',')}]`;
}
