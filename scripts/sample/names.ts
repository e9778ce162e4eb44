/** Names of places that do not exist, in three languages. */
import type { Tags } from './osm-pbf.ts';

export function names(name: string, english?: string, german?: string): Tags {
  return { name, ...(english && { 'name:en': english }), ...(german && { 'name:de': german }) };
}

/** Made-up words, one after the other. */
export function makeNames(random: () => number): () => string {
  const starts = [
    'Al',
    'Bro',
    'Dam',
    'Eik',
    'Fur',
    'Grå',
    'Hest',
    'Kvit',
    'Lyng',
    'Myr',
    'Nor',
    'Ør',
    'Rau',
    'Sund',
    'Ty',
  ];
  const ends = ['dal', 'berg', 'foss', 'haug', 'lund', 'mark', 'nes', 'rud', 'stad', 'vik'];
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)]!;
  return () => pick(starts) + pick(ends);
}
