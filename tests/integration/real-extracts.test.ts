/** Real extracts, dropped and published, and opened by mapsforge's own reader. */
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Receipt } from '../../lib/pipeline/receipt.ts';
import { longshore } from '../tools/command.ts';
import { readMap } from '../tools/mapreader/read.ts';
import { readPoi } from '../tools/poireader/read.ts';
import { findRealData } from '../tools/real-data.ts';

jest.setTimeout(600_000);

/** Shares of the asked box that are land: Liechtenstein has no coast, the others are mostly sea. */
const AREAS = [
  { area: 'liechtenstein', land: [0.999, 1.001], tags: ['highway=', 'building='] },
  { area: 'monaco', land: [0.05, 0.6], tags: ['highway=', 'building='] },
  { area: 'malta', land: [0.03, 0.3], tags: ['highway=', 'natural=nosea'] },
] as const;

const data = findRealData(process.env);
if (data === undefined)
  console.warn('No real extracts: name a folder with LONGSHORE_REAL_DATA to test with them');

(data === undefined ? describe.skip : describe)('dropped (real extracts, LONGSHORE_REAL_DATA)', () => {
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'longshore-real-'));
    const place = join(home, 'uploads/osm-mapsforge/europe');
    await mkdir(place, { recursive: true });
    for (const { area } of AREAS) {
      await copyFile(join(data!, `europe/${area}-latest.osm.pbf`), join(place, `${area}.osm.pbf`));
    }
    const up = await longshore('up', '--until-idle', '--home', home);
    expect(up).toMatchObject({ code: 0, stderr: expect.not.stringContaining('rror') });
  });

  afterAll(async () => await rm(home, { recursive: true, force: true }));

  test.each(AREAS)('$area is published, and opens in an independent reader', async ({ area, land, tags }) => {
    const folder = join(home, 'output/osm-mapsforge/europe', area);
    const receipt = JSON.parse(await readFile(join(folder, 'receipt.json'), 'utf8')) as Receipt;
    expect(receipt).toMatchObject({ state: 'published', attempts: [{ attempt: 1, cause: 'succeeded' }] });
    expect(receipt.files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([`${area}.map`, `${area}.poi`, `${area}.extents.txt`, `${area}.stac.json`]),
    );

    const map = await readMap(join(folder, `${area}.map`));
    const asked = (receipt.report as { boxes: { bbox: number[] }[] }).boxes[0]!.bbox;
    for (const [at, degrees] of map.header.bbox.entries()) expect(degrees).toBeCloseTo(asked[at]!, 5);
    expect(map.ways).toBeGreaterThan(1000);
    for (const tag of tags) expect(Object.keys(map.tags).some((one) => one.startsWith(tag))).toBe(true);
    const share = map.land.noseaKm2 / map.land.tilesKm2;
    expect(share).toBeGreaterThan(land[0] * 0.5);
    expect(share).toBeLessThan(land[1] * 1.5);
  });

  test.each(AREAS)('$area: a reader finds its points of interest by category', async ({ area }) => {
    const pois = await readPoi(join(home, 'output/osm-mapsforge/europe', area, `${area}.poi`));
    expect(pois).toMatchObject({ root: 'root', found: pois.stored, metadata: { version: '3' } });
    // What is below a category counts for it, too.
    const { Food: food, Cafes: cafes, Restaurants: restaurants } = pois.byCategory;
    expect(food).toBeGreaterThanOrEqual(cafes! + restaurants!);
    expect(restaurants).toBeGreaterThan(20);
    expect(pois.tree).toContain('Food/Cafes');
  });
});
