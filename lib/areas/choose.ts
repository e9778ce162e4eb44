/** Which areas of an index are made: its leaves, so that nothing is made twice, less what the manifest leaves out. */
import picomatch from 'picomatch';
import { nearest } from '../tasks/nearest.ts';
import { foldersOf, type IndexArea } from './geofabrik-index.ts';

export interface Choice {
  /** Patterns; without any, all. */
  include?: string[] | undefined;
  exclude?: string[] | undefined;
  /** Made themselves, and not the areas within them. */
  whole?: string[] | undefined;
  /** Put together from others, and not made themselves; areas within them are. */
  collections?: string[] | undefined;
}

export interface Chosen {
  areas: IndexArea[];
  /** What a person should know, and nobody need act on. */
  notes: string[];
  /** Patterns of `include` that fit nothing, each a sentence: what was asked for would be missing. */
  faults: string[];
}

/**
 * A pattern is an id of the index (`monaco`), an area (`europe/monaco`), or a glob on areas (`europe/*`). One of `include` or
 * `exclude` that fits an area fits all within it: `europe/germany` stands for its states. Those of `whole` and `collections` fit areas alone.
 */
export function chooseAreas(all: readonly IndexArea[], choice: Choice): Chosen {
  const { include, exclude = [], whole = [], collections = [] } = choice;
  const families = familiesOf(all);
  const familyOf = (area: string): string[] => [...(families.get(area) ?? [])];
  const fits = (pattern: string): string[] => {
    const isMatch = picomatch(pattern);
    return all.filter(({ id, area }) => id === pattern || isMatch(area)).map(({ area }) => area);
  };
  const allOf = (patterns: string[]): string[] => patterns.flatMap(fits);
  const included = include && new Set(allOf(include).flatMap(familyOf));
  const left = new Set([...allOf(exclude).flatMap(familyOf), ...allOf(collections)]);
  const united = new Set(allOf(whole));
  const parts = new Set([...united].flatMap((area) => familyOf(area).filter((one) => one !== area)));
  const chosen = all.filter(
    ({ leaf, area }) =>
      (leaf || united.has(area)) && !parts.has(area) && !left.has(area) && (included?.has(area) ?? true),
  );
  const unfitting = (key: keyof Choice): string[] =>
    (choice[key] ?? [])
      .filter((pattern) => fits(pattern).length === 0)
      .map((pattern) => `${key}: ${nothing(pattern, all)}`);
  return {
    areas: chosen,
    faults: unfitting('include'),
    // An area that Geofabrik no longer has needs no leaving out: no reason to make no map at all this month.
    notes: [...unfitting('exclude'), ...unfitting('whole'), ...unfitting('collections')],
  };
}

function nothing(pattern: string, all: readonly IndexArea[]): string {
  const guess = nearest(
    pattern,
    all.flatMap(({ id, area }) => [id, area]),
  );
  return `"${pattern}" fits no area of the index${guess === undefined ? '' : `: did you mean "${guess}"?`}`;
}

/** Of each area: itself and all within it, by `parent` or by its place on the server. */
function familiesOf(all: readonly IndexArea[]): Map<string, Set<string>> {
  const byId = new Map(all.map((one) => [one.id, one]));
  const byArea = new Map(all.map((one) => [one.area, one]));
  const families = new Map<string, Set<string>>();
  const join = (ancestor: string, area: string): Set<string> =>
    (families.get(ancestor) ?? families.set(ancestor, new Set()).get(ancestor)!).add(area);
  for (const { area } of all) {
    const above = [area];
    const seen = new Set(above);
    for (let next = above.pop(); next !== undefined; next = above.pop()) {
      join(next, area);
      const parent = byId.get(byArea.get(next)?.parent ?? '')?.area;
      for (const one of [...foldersOf(next), ...(parent === undefined ? [] : [parent])]) {
        if (byArea.has(one) && !seen.has(one)) above.push(one);
        seen.add(one);
      }
    }
  }
  return families;
}
