/** Which of a task's outputs a file is. */
import picomatch from 'picomatch';

/** The patterns of task files are few, and asked about for every file of every job. */
const MATCHERS = new Map<string, (name: string) => boolean>();

function matcherOf(pattern: string): (name: string) => boolean {
  // A line break is a character like any other.
  const known = MATCHERS.get(pattern) ?? picomatch(pattern, { flags: 's' });
  MATCHERS.set(pattern, known);
  return known;
}

/** The first output whose pattern the name fits; `undefined` for a file that the task file does not expect. */
export const outputOf = <O extends { pattern: string }>(outputs: readonly O[], name: string): O | undefined =>
  outputs.find(({ pattern }) => matcherOf(pattern)(name));
