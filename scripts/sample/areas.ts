/** The islands that demo and tests use in place of real areas. Far from land, so that no world data set knows better. */
import type { IslandOptions } from './island.ts';

export interface SampleArea extends IslandOptions {
  /** The area's id on the mirror, as in `area=sample/brack`. */
  id: string;
}

export const SAMPLE_AREAS: readonly SampleArea[] = [
  { id: 'sample/brack', name: 'brack', lon: -21.5, lat: 48.2, seed: 1, sizeKm: 6 },
  { id: 'sample/holm', name: 'holm', lon: -31.25, lat: -39.4, seed: 2, sizeKm: 14 },
  // Its islet lies on the 180th meridian: two boxes, two maps.
  { id: 'sample/skerry', name: 'skerry', lon: 179.9485, lat: -46.3, seed: 3, sizeKm: 6 },
];
