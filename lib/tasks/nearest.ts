/** The known name that a misspelt one was probably meant to be; undefined when none is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  // A third of the letters may be wrong: enough for a slip, too little for another word.
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(plain(name), plain(candidate));
    if (
      distance <= Math.max(1, Math.floor(candidate.length / 3)) &&
      distance < (best?.distance ?? Infinity)
    ) {
      best = { name: candidate, distance };
    }
  }
  return best?.name;
}

// SKIP_POI, skip-poi and skipPoi are one name to a person.
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '');

/** Levenshtein distance: single letters inserted, deleted or exchanged. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
