/** Objects that are copied or deleted at once. A request to S3 takes some 0.1 s, and a function has minutes for ten thousand. */
export const FILES_AT_ONCE = 16;

/** `map` over promises, at most `limit` at once, results in order. The first error is thrown after all have ended. */
export async function mapLimit<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const errors: unknown[] = [];
  const results = await mapGood(items, limit, work, (_, error) => errors.push(error));
  if (errors.length > 0) throw errors[0];
  return results as R[];
}

/** {@link mapLimit}, with `undefined` in place of what failed: one broken item must not stand in the way of all others. */
export async function mapGood<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
  failed: (item: T, error: unknown) => void,
): Promise<(R | undefined)[]> {
  const results: (R | undefined)[] = Array.from({ length: items.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      const item = items[at] as T;
      try {
        results[at] = await work(item);
      } catch (error) {
        failed(item, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
