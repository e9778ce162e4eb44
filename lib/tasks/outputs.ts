/** Which of a task's outputs a file is. */
import picomatch from 'picomatch';

/** The first output whose pattern the name fits; `undefined` for a file that the task file does not expect. */
export const outputOf = <O extends { pattern: string }>(outputs: readonly O[], name: string): O | undefined =>
  outputs.find(({ pattern }) => picomatch.isMatch(name, pattern));
