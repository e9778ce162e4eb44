#!/usr/bin/env node
/**
 * This project's map job against the classic way of doing it: same extract, same land, same box, same tag rules.
 *
 *     node bench/osm-mapsforge.ts [EXTRACT.osm.pbf …] [--runs 5] [--cpus 2] [--memory MIB] [--work DIR] [--no-build] [--save]
 *
 * Without extracts: those under LONGSHORE_REAL_DATA, else the sample islands. See README.md.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { SAMPLE_AREAS } from '../scripts/sample/areas.ts';
import { landGeoJson, makeIsland } from '../scripts/sample/island.ts';
import { writeMirror } from '../scripts/sample/mirror.ts';
import { engineCommand } from '../tests/tools/judge.ts';
import { compareMaps, type MapComparison } from '../tests/tools/mapreader/read.ts';
import { measuredRun, type Measurement } from './measured-run.ts';

const run = promisify(execFile);

const ROOT = resolve(import.meta.dirname, '..');
const OURS = 'longshore/osm-mapsforge:develop';
const CLASSIC = 'longshore/bench-classic:develop';
const SIDES = ['classic', 'ours'] as const;
const QUANTITIES = ['wallSeconds', 'cpuSeconds', 'heldMiB', 'chargedMiB'] as const;

type Side = (typeof SIDES)[number];
type Quantity = (typeof QUANTITIES)[number];

interface Input {
  name: string;
  extract: string;
  /** `west,south,east,north`. */
  bbox: string;
}

interface Setup {
  engine: string;
  /** By id: a build that happens meanwhile must not change what is measured. */
  images: Record<Side, string>;
  work: string;
  cpus: number;
  /** None: what the machine has. */
  memoryMiB: number | undefined;
}

interface Result {
  input: string;
  bytes: number;
  runs: Record<Side, Measurement[]>;
  medians: Record<Side, Measurement>;
  /** Classic over ours: how many times less. */
  ratios: Record<Quantity, number>;
  comparison: Omit<MapComparison, 'examples'>;
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '5' },
      cpus: { type: 'string', default: '2' },
      memory: { type: 'string', default: '4096' },
      'no-build': { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      work: { type: 'string', default: join(ROOT, 'bench/results/raw') },
    },
  });
  const runs = positive('--runs', values.runs);
  const engine = await engineCommand();
  if (!values['no-build']) await buildImages(engine);
  const setup: Setup = {
    engine,
    images: { classic: await imageId(engine, CLASSIC), ours: await imageId(engine, OURS) },
    work: resolve(values.work),
    cpus: positive('--cpus', values.cpus),
    memoryMiB: values.memory === 'none' ? undefined : positive('--memory', values.memory),
  };
  await mkdir(setup.work, { recursive: true });
  await makeLand(setup);
  const results: Result[] = [];
  for (const input of await findInputs(positionals, setup.work)) {
    results.push(await measureInput(input, runs, setup));
  }
  console.log(table(results));
  const [cpu] = cpus();
  const report = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown'}`,
    runs,
    cpus: setup.cpus,
    memoryMiB: setup.memoryMiB,
    results,
  };
  await writeFile(join(setup.work, 'report.json'), JSON.stringify(report, null, 2));
  const summaryFolder = values.save ? join(ROOT, 'bench/results') : setup.work;
  await mkdir(summaryFolder, { recursive: true });
  await writeFile(join(summaryFolder, 'summary.md'), summary(report));
  console.log(`All numbers: ${join(setup.work, 'report.json')}`);
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0 && Number.isFinite(number)))
    throw new Error(`${option} must be a number over 0, got “${text}”`);
  return number;
}

async function buildImages(engine: string): Promise<void> {
  const images = { [OURS]: 'containers/osm-mapsforge', [CLASSIC]: 'bench/classic' };
  for (const [image, folder] of Object.entries(images)) {
    console.log(`Building ${image}`);
    await run(engine, ['build', '--network=host', '--tag', image, join(ROOT, folder)], {
      maxBuffer: 2 ** 28,
    });
  }
}

async function imageId(engine: string, image: string): Promise<string> {
  const { stdout } = await run(engine, ['image', 'inspect', '--format', '{{.Id}}', image]);
  return stdout.trim();
}

/** The land of the world and of the sample islands: one set of polygons, as a shapefile and with an index. */
async function makeLand({ engine, work, images }: Setup): Promise<void> {
  const folder = join(work, 'land');
  if (await exists(join(folder, 'land_polygons.fgb'))) return;
  console.log('Making the land polygons of the world (once)');
  await mkdir(folder, { recursive: true });
  for (const area of SAMPLE_AREAS) {
    await writeFile(join(folder, `${area.name}.geojson`), JSON.stringify(landGeoJson(makeIsland(area))));
  }
  const islands = SAMPLE_AREAS.map((area) => `/land/${area.name}.geojson`);
  const mounts = ['--volume', `${folder}:/land`, '--volume', `${import.meta.dirname}:/bench:ro`];
  await run(engine, [
    'run',
    '--rm',
    '--network=none',
    '--user=0:0',
    '--entrypoint=python3',
    ...mounts,
    images.ours,
    '/bench/world-land.py',
    '/land',
    ...islands,
  ]);
}

async function findInputs(extracts: readonly string[], work: string): Promise<Input[]> {
  const real = process.env['LONGSHORE_REAL_DATA'];
  let paths = extracts.map((path) => resolve(path));
  if (paths.length === 0 && real) {
    const names = await readdir(real, { recursive: true });
    paths = names.filter((name) => name.endsWith('-latest.osm.pbf')).map((name) => join(real, name));
    if (paths.length === 0) throw new Error(`LONGSHORE_REAL_DATA=${real} has no *-latest.osm.pbf`);
  }
  if (paths.length === 0) {
    console.log('LONGSHORE_REAL_DATA is not set: measuring the sample islands');
    paths = await writeMirror(join(work, 'mirror'));
  }
  const inputs = await Promise.all(paths.toSorted().map((path) => inputOf(path, work)));
  // One map an input: an area across the 180th meridian has two.
  return inputs.filter((input) => input !== undefined);
}

/** Copies the extract to a folder of its own, and takes its box from the `.poly` beside it. */
async function inputOf(path: string, work: string): Promise<Input | undefined> {
  const name = basename(path).replace(/(-latest)?\.osm\.pbf$/, '');
  const poly = await readFile(join(dirname(path), `${name}.poly`), 'utf8');
  if (poly.match(/^\s*END/gm)?.length !== 2) return undefined;
  const points = [...poly.matchAll(/^\s+(-?[\d.]+)\s+(-?[\d.]+)\s*$/gm)].map(([, lon, lat]) => [
    Number(lon),
    Number(lat),
  ]);
  const lons = points.map(([lon]) => lon!);
  const lats = points.map(([, lat]) => lat!);
  const bbox = [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)].join(',');
  const folder = join(work, name, 'input');
  await mkdir(folder, { recursive: true });
  const extract = join(folder, basename(path));
  await cp(path, extract);
  return { name, extract, bbox };
}

/** One unmeasured run of each side fills the page cache; then they take turns, so that a busy spell hits both. */
async function measureInput(input: Input, runs: number, setup: Setup): Promise<Result> {
  const measured: Record<Side, Measurement[]> = { classic: [], ours: [] };
  for (let round = 0; round <= runs; round++) {
    for (const side of SIDES) {
      const measurement = await runSide(side, input, setup);
      const load = loadavg()[0]!.toFixed(1);
      console.log(
        `${input.name} ${round === 0 ? 'warm-up' : `run ${round}`} ${side}: ${line(measurement)} (load ${load})`,
      );
      if (round > 0) measured[side].push(measurement);
    }
  }
  const medians = { classic: medianOf(measured.classic), ours: medianOf(measured.ours) };
  const { examples, ...comparison } = await compareMaps(
    mapOf(input, 'classic', setup),
    mapOf(input, 'ours', setup),
  );
  await writeFile(join(setup.work, input.name, 'differences.json'), JSON.stringify(examples, null, 2));
  const ratio = (quantity: Quantity): number => medians.classic[quantity] / medians.ours[quantity];
  return {
    input: input.name,
    bytes: (await stat(input.extract)).size,
    runs: measured,
    medians,
    ratios: {
      wallSeconds: ratio('wallSeconds'),
      cpuSeconds: ratio('cpuSeconds'),
      heldMiB: ratio('heldMiB'),
      chargedMiB: ratio('chargedMiB'),
    },
    comparison,
  };
}

function runSide(side: Side, input: Input, setup: Setup): Promise<Measurement> {
  const common = {
    engine: setup.engine,
    input: dirname(input.extract),
    work: join(setup.work, input.name, side),
    cpus: setup.cpus,
    memoryMiB: setup.memoryMiB,
  };
  const land = join(setup.work, 'land');
  const shared = { BBOX: input.bbox, TYPE: 'ram', LANGUAGES: 'en,de', SKIP_POI: 'true' };
  if (side === 'ours') {
    return measuredRun({
      ...common,
      image: setup.images.ours,
      command: ['osm-mapsforge'],
      env: {
        ...shared,
        LAND: '/land/land_polygons.fgb',
        ...(setup.memoryMiB && { LONGSHORE_MEMORY_MIB: String(setup.memoryMiB) }),
        LONGSHORE_CPU: String(setup.cpus),
      },
      mounts: { [land]: '/land' },
    });
  }
  const styles = join(ROOT, 'containers/osm-mapsforge/styles');
  return measuredRun({
    ...common,
    image: setup.images.classic,
    command: ['/opt/classic/make-map.sh'],
    env: {
      ...shared,
      LAND: '/land/land_polygons.shp',
      TAG_MAPPING: '/styles/bike.mapping.xml',
      TAG_TRANSFORM: '/styles/bike.transform.xml',
    },
    mounts: { [land]: '/land', [styles]: '/styles' },
  });
}

function mapOf(input: Input, side: Side, { work }: Setup): string {
  return join(work, input.name, side, 'output', basename(input.extract).replace('.osm.pbf', '.map'));
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function medianOf(runs: readonly Measurement[]): Measurement {
  const of = (quantity: Quantity): number => median(runs.map((measurement) => measurement[quantity]));
  return {
    wallSeconds: of('wallSeconds'),
    cpuSeconds: of('cpuSeconds'),
    heldMiB: of('heldMiB'),
    chargedMiB: of('chargedMiB'),
  };
}

function line(m: Measurement): string {
  return `${m.wallSeconds.toFixed(2)} s wall, ${m.cpuSeconds.toFixed(2)} s CPU, ${m.heldMiB.toFixed(0)} MiB held, ${m.chargedMiB.toFixed(0)} MiB charged`;
}

function table(results: readonly Result[]): string {
  const header = [
    'input',
    'MB',
    '',
    'wall s',
    'CPU s',
    'held MiB',
    'charged MiB',
    'objects: same, same shape, only classic, only ours',
  ];
  const rows = results.flatMap(({ input, bytes, medians, ratios, comparison }) => [
    [input, (bytes / 1e6).toFixed(2), 'classic', ...cells(medians.classic), ''],
    ['', '', 'ours', ...cells(medians.ours), ''],
    [
      '',
      '',
      'less by',
      ...QUANTITIES.map((quantity) => `${ratios[quantity].toFixed(1)} ×`),
      `${comparison.objectsSame}, ${comparison.objectsSameShape}, ${comparison.objectsOnlyFirst}, ${comparison.objectsOnlySecond}`,
    ],
  ]);
  return [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function cells(m: Measurement): string[] {
  return [m.wallSeconds.toFixed(2), m.cpuSeconds.toFixed(2), m.heldMiB.toFixed(0), m.chargedMiB.toFixed(0)];
}

function summary(report: {
  date: string;
  machine: string;
  runs: number;
  cpus: number;
  memoryMiB: number | undefined;
  results: Result[];
}): string {
  return `# Classic and ours

Written by \`bench/osm-mapsforge.ts\` on ${report.date.slice(0, 10)}: ${report.machine}; medians of ${report.runs} runs, each in a container of
${report.cpus} CPU and ${report.memoryMiB ? `${report.memoryMiB} MiB` : 'all memory of the machine'}. What the columns mean: ../README.md.

${table(report.results)}
`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
