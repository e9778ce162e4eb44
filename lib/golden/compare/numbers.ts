/** Numbers under a tolerance. */
import type { Rule } from '../rules.ts';

type Tolerance = Pick<Rule, 'relative' | 'absolute'>;

/**
 * Whether two numbers are the same for a rule: at most `absolute` apart, or at most `relative` times the larger one. Not a
 * number is the same as itself, and as nothing else.
 */
export function close(
  expected: number | bigint,
  got: number | bigint,
  { relative = 0, absolute = 0 }: Tolerance,
): boolean {
  if (expected === got) return true;
  const [a, b] = [Number(expected), Number(got)];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  // Whole numbers of 64 bits may differ where their doubles do not.
  if (typeof expected === 'bigint' && typeof got === 'bigint' && relative === 0 && absolute === 0)
    return false;
  const apart = Math.abs(a - b);
  if (!Number.isFinite(apart)) return false;
  return apart <= Math.max(absolute, relative * Math.max(Math.abs(a), Math.abs(b)));
}

/** `0.04 more, 0.014 %`: empty where one of them is no finite number. */
export function apartText(expected: number | bigint, got: number | bigint): string {
  const [a, b] = [Number(expected), Number(got)];
  const apart = Math.abs(b - a);
  if (!Number.isFinite(apart)) return '';
  const share = a === 0 ? '' : `, ${Number(((apart / Math.abs(a)) * 100).toPrecision(2))} %`;
  return `${Number(apart.toPrecision(6))} ${b > a ? 'more' : 'less'}${share}`;
}
