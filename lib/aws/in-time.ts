/** One record of a batch must not use up the time of all: Lambda would have every one of them come again. */

/** What is left for the rest of the function, and its answer. */
const REST_MS = 5000;

/** Throws when the work takes longer than the function has: it comes again, alone, and finds what this time got done. */
export async function inTime<T>(work: Promise<T>, { remainingMs }: { remainingMs: number }): Promise<T> {
  const ms = Math.max(0, remainingMs - REST_MS);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It took more than the ${ms} ms that there were`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
