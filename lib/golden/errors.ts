/** What is wrong with golden data, rather than with what was made. */
export class BadGoldenError extends Error {
  override name = 'BadGoldenError';
}
