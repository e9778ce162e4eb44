/** Pages of a list: a token is the place where the next one begins. */
import { invalid } from '../errors.ts';

const MOST = 100;

export function page<T>(
  all: T[],
  nextToken = '0',
  maxResults = MOST,
): { items: T[]; next: { nextToken?: string } } {
  const from = Number(nextToken);
  if (!Number.isInteger(from) || from < 0) throw invalid('Invalid token');
  if (maxResults < 1 || maxResults > MOST) throw invalid(`maxResults must be between 1 and ${MOST}`);
  const to = from + maxResults;
  return { items: all.slice(from, to), next: to < all.length ? { nextToken: String(to) } : {} };
}
