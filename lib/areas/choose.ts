/** Which areas of an index are made: its leaves, so that nothing is made twice, less what the manifest leaves out. */
import picomatch from 'picomatch';
import { nearest } from '../tasks/nearest.ts';
import { foldersOf, type IndexArea } from './geofabrik-index.ts';

export interface Choice {
  /** Patterns; without any, all. */
  include?: string[] | undefined;
  exclude?: string[] | undefined;
}

export interface Chosen {
  areas: IndexArea[];
  /** What a person should know, and nobody need act on. */
  notes: string[];
  /** Patterns of `include` that fit nothing, each a sentence: what was asked for would be missing. */
  faults: string[];
}

/**
 * A pattern is an id of the index (`monaco`), an area (`europe/monaco`), or a glob on areas (`europe/*`). One that fits an
 * area fits all within it: `europe/germany` stands for its states.
 */
export function chooseAreas(all: readonly IndexArea[], { include, exclude = [] }: Choice): Chosen {
  const families = familiesOf(all);
  const fits = (pattern: string): Set<string> => {
    const isMatch = picomatch(pattern);
    const direct = all.filter(({ id, area }) => id === pattern || isMatch(area));
    return new Set(direct.flatMap(({ area }) => [...(families.get(area) ?? [])]));
  };
  const wanted = include?.map((pattern) => ({ pattern, areas: fits(pattern) }));
  const unwanted = exclude.map((pattern) => ({ pattern, areas: fits(pattern) }));
  const chosen = all.filter(
    ({ leaf, area }) =>
      leaf &&
      (wanted === undefined || wanted.some((one) => one.areas.has(area))) &&
      !unwanted.some((one) => one.areas.has(area)),
  );
  const empty = (patterns: typeof unwanted): string[] =>
    patterns.filter(({ areas }) => areas.size === 0).map(({ pattern }) => pattern);
  return {
    areas: chosen,
    faults: empty(wanted ?? []).map((pattern) => `include: ${nothing(pattern, all)}`),
    // An area that Geofabrik no longer has needs no leaving out: no reason to make no map at all this month.
    notes: empty(unwanted).map((pattern) => `exclude: ${nothing(pattern, all)}`),
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
