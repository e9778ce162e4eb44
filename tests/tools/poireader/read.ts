/**
 * Opens points of interest with mapsforge's own classes (Debian's libmapsforge-java) in a container: a judge that shares
 * no code with the writer's side. The image is built at first use.
 */
import { ask } from '../judge.ts';

const JUDGE = { image: 'longshore/poireader:develop', folder: import.meta.dirname };

export interface PoiReport {
  /** `bounds`, `comment`, `date` (milliseconds since 1970), `language`, `version`, `ways`, `writer`, as stored. */
  metadata: Record<string, string | null>;
  /** Degrees: west, south, east, north. */
  bbox: [number, number, number, number];
  /** Title of the category that readers take for the root: the one with the highest id. */
  root: string;
  /** The categories below the root, as `Food/Cafes`. */
  tree: string[];
  /** How many points a search for the root category in the whole box finds. */
  found: number;
  /** How many points the file holds. */
  stored: number;
  /** How many points a search for a category finds, those of the categories below it included, by title. */
  byCategory: Record<string, number>;
  /** The names found, in the asked language where there is one. */
  names: string[];
}

/**
 * What a user of a reader finds in a POI file (format 3).
 *
 * @throws Error when there is no engine, or a reader could not work with the file
 */
export async function readPoi(path: string, language?: string): Promise<PoiReport> {
  return await ask<PoiReport>(JUDGE, [path], ...(language === undefined ? [] : [language]));
}
