/** One thing that is not as it should be. */
export interface Difference {
  /** Inside the file: `features[3].properties.count`, `row 3, column "depth"`, `/sst[12,40]`. Empty: the file itself. */
  where: string;
  expected: string;
  got: string;
  /** By how much, and how often: `0.04 more, 0.014 %; 31 of 1036800 values differ`. */
  detail?: string;
}

/** A file may differ everywhere; who reads this wants the first few, and how many more there are. */
export const MOST_TOLD = 20;

/** Values are shown whole up to so many characters. */
const MOST_SHOWN = 120;

export function shown(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'bigint'
        ? String(value)
        : value === undefined
          ? 'nothing'
          : typeof value === 'number'
            ? String(value)
            : JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}
