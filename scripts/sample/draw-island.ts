#!/usr/bin/env node
/**
 * Draws an island (`island.ts`), or a file of many.
 *
 *     node scripts/sample/draw-island.ts OUT.osm.pbf [--name NAME --lon DEG --lat DEG --seed N --size KM]
 *         [--land OUT.geojson] [--megabytes N [--raw]]
 *
 * A negative number is given as `--lat=-45`.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { writeIslandGrid } from './island-grid.ts';
import { landGeoJson, makeIsland, writeIsland, type IslandOptions } from './island.ts';

const USAGE = `Usage: node scripts/sample/draw-island.ts OUT.osm.pbf [--name NAME] [--lon DEG] [--lat DEG] [--seed N] [--size KM]
       [--land OUT.geojson] [--megabytes N [--raw]]`;

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'brack' },
      lon: { type: 'string', default: '-21.5' },
      lat: { type: 'string', default: '48.2' },
      seed: { type: 'string', default: '1' },
      size: { type: 'string', default: '6' },
      land: { type: 'string' },
      megabytes: { type: 'string' },
      raw: { type: 'boolean', default: false },
    },
  });
  const [path, ...rest] = positionals;
  if (!path || rest.length > 0) throw new Error(USAGE);
  const options: IslandOptions = {
    name: values.name,
    lon: numberOf('--lon', values.lon),
    lat: numberOf('--lat', values.lat),
    seed: numberOf('--seed', values.seed),
    sizeKm: numberOf('--size', values.size),
  };
  if (values.land) await writeFile(values.land, JSON.stringify(landGeoJson(makeIsland(options))));
  if (values.megabytes === undefined) {
    console.log(`${path}: ${await writeIsland(path, options)} bytes`);
    return;
  }
  const megabytes = numberOf('--megabytes', values.megabytes);
  const grid = await writeIslandGrid(path, { ...options, megabytes, compress: !values.raw });
  console.log(`${path}: ${grid.bytes} bytes, ${grid.islands} islands`);
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new Error(`${option} must be a number, got "${text}"\n${USAGE}`);
  return number;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
