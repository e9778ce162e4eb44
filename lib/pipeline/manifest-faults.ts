/** What is wrong with a manifest, told at once and not at endless length. */

/** Every fault, each with the manifest, the place in it (`line 3`, `area 2`, `job 1`) and the path there. */
export class BadManifestError extends Error {
  override name = 'BadManifestError';
  readonly faults: string[];
  constructor(manifest: string, faults: string[], options?: ErrorOptions) {
    const told = together(faults);
    super(told.map((fault) => `${manifest}, ${fault}`).join('\n'), options);
    this.faults = told;
  }
}

/** A million faults help nobody. */
const MOST_FAULTS = 1000;
/** What is wrong with so many areas is likely wrong in one place, in what they have in common. Lines have nothing in common. */
const MOST_ALIKE = 20;

const textOf = (fault: string): string => fault.replace(/^[^:]*: /, fault.startsWith('line ') ? '$&' : '');

/** Faults of many areas in one, and not too many of them. */
function together(faults: string[]): string[] {
  const alike = Map.groupBy(faults, textOf);
  const told = faults.flatMap((fault) => {
    const text = textOf(fault);
    const all = alike.get(text)!;
    if (all.length <= MOST_ALIKE) return [fault];
    const where = fault.slice(0, fault.length - text.length).replace(/: $/, '');
    return fault === all[0] ? [`${where} and ${all.length - 1} more: ${text}`] : [];
  });
  if (told.length <= MOST_FAULTS) return told;
  return [...told.slice(0, MOST_FAULTS), `and ${told.length - MOST_FAULTS} faults more`];
}

/** Letters that are put in place of what cannot be read would be names that nobody gave. Throws {@link BadManifestError}. */
export function manifestText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BadManifestError(file, ['the manifest: it is no text in UTF-8'], { cause: error });
  }
}
