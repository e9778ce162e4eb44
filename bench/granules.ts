#!/usr/bin/env node
/**
 * A thousand small granules dropped at once, against GNU parallel around the bare container.
 *
 *     node --import ./scripts/load-engine-env.mjs bench/granules.ts [--count 1000] [--profiles 30] [--slots 2] [--way NAME]… [--save]
 *
 * Ways: `longshore`; `each`: a container per file, the command line that the image's README gives; `batch`: a container per 100
 * files, the handler once for each. See README.md.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { needEngine } from '../cli/engine.ts';
import type { Receipt } from '../lib/pipeline/receipt.ts';

const ROOT = resolve(import.meta.dirname, '..');
const IMAGE = 'longshore/hdf5-netcdf:latest';
const WAYS = ['longshore', 'each', 'batch'] as const;
type Way = (typeof WAYS)[number];

interface Setup {
  engine: string;
  /** Holds `in/NAME/NAME.hdf5`. */
  work: string;
  count: number;
  slots: number;
}

interface Measured {
  way: Way;
  seconds: number;
  /** Files made: `.nc` and, of ours, everything beside it. */
  made: number;
  /** Containers started. */
  launches: number;
  /** Containers' own seconds by their receipts, all together; only of ours. */
  workSeconds?: number;
  /** Of all that surrounds the containers, in seconds. */
  cpuSeconds: number;
  /** Load averages over a minute, before and after. */
  load: [number, number];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000' },
      profiles: { type: 'string', default: '30' },
      slots: { type: 'string', default: '2' },
      way: { type: 'string', multiple: true, default: [...WAYS] },
      work: { type: 'string' },
      save: { type: 'boolean', default: false },
    },
  });
  const ways = values.way.map((way) => WAYS.find((one) => one === way) ?? fail(`There is no way "${way}"`));
  const engine = (await needEngine()).kind;
  const work = values.work ?? (await mkdtemp(join(tmpdir(), 'longshore-granules-')));
  const setup: Setup = { engine, work, count: Number(values.count), slots: Number(values.slots) };
  const bytes = await writeGranules(setup, values.profiles);
  const measured: Measured[] = [];
  for (const way of ways) {
    measured.push(await measure(way, setup));
    console.log(JSON.stringify(measured.at(-1)));
  }
  const table = tableOf(setup, bytes, values.profiles, measured);
  console.log(table);
  if (values.save) await writeFile(join(ROOT, 'bench/results/granules.md'), table);
  if (values.work === undefined) await rm(work, { recursive: true, force: true });
}

function fail(message: string): never {
  throw new Error(message);
}

/** Every granule in a folder of its own: an input folder, as containers want it. Returns the bytes of all. */
async function writeGranules({ engine, work, count }: Setup, profiles: string): Promise<number> {
  const made = join(work, 'made');
  await mkdir(made, { recursive: true });
  const flags = ['run', '--rm', '--network=none', '--user=0', `--volume=${made}:/made`];
  const command = ['/made', '--count', String(count), '--profiles', profiles];
  await execa(engine, [...flags, '--entrypoint=sample-granules', IMAGE, ...command]);
  let bytes = 0;
  for (const name of await readdir(made)) {
    const folder = join(work, 'in', basename(name, '.hdf5'));
    await mkdir(folder, { recursive: true });
    await cp(join(made, name), join(folder, name));
    bytes += (await stat(join(made, name))).size;
  }
  return bytes;
}

async function measure(way: Way, setup: Setup): Promise<Measured> {
  const before = loadavg()[0] ?? 0;
  const started = performance.now();
  const result = way === 'longshore' ? await ours(setup) : await parallel(way, setup);
  const seconds = (performance.now() - started) / 1000;
  return { way, seconds, ...(await result()), load: [before, loadavg()[0] ?? 0] };
}

type Result = Pick<Measured, 'made' | 'launches' | 'workSeconds' | 'cpuSeconds'>;

/**
 * Runs a command; CPU seconds of it and its children, as bash counts them: all that surrounds the containers, but not what is in
 * them, which are the engine's.
 */
async function timed(command: string[], input: string): Promise<number> {
  const script = '"$@" >/dev/null; status=$?; times; exit $status';
  const { stdout } = await execa('bash', ['-c', script, 'bash', ...command], { input });
  const children = stdout.split('\n').at(-1) ?? '';
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

/** What a person does: copy all into the uploads folder, and have `longshore up` work until nothing is left. */
async function ours({ work, slots }: Setup): Promise<() => Promise<Result>> {
  const home = join(work, 'home');
  const uploads = join(home, 'uploads/hdf5-netcdf');
  await mkdir(uploads, { recursive: true });
  await writeFile(join(home, 'longshore.json'), JSON.stringify({ maxTasks: slots }));
  await execa('cp', ['-r', `${join(work, 'made')}/.`, uploads]);
  const command = [process.execPath, join(ROOT, 'cli/longshore.mjs'), 'up', '--until-idle', '--home', home];
  const cpuSeconds = await timed(command, '');
  return async () => ({ ...(await published(join(home, 'output/hdf5-netcdf'))), cpuSeconds });
}

async function published(output: string): Promise<Omit<Result, 'cpuSeconds'>> {
  const launches = new Set<string>();
  let [made, workSeconds] = [0, 0];
  for (const name of await readdir(output)) {
    const receipt = JSON.parse(await readFile(join(output, name, 'receipt.json'), 'utf8')) as Receipt;
    if (receipt.state === 'published') made += 1;
    workSeconds += receipt.seconds;
    for (const { ref } of receipt.attempts) if (ref !== undefined) launches.add(ref);
  }
  return { made, launches: launches.size, workSeconds };
}

/** Files per container. */
const BATCH = 100;

async function parallel(
  way: 'each' | 'batch',
  { engine, work, count, slots }: Setup,
): Promise<() => Promise<Result>> {
  const names = await readdir(join(work, 'in'));
  const out = join(work, `out-${way}`);
  for (const name of names) await mkdir(join(out, name), { recursive: true });
  const [inside, outside] = [join(work, 'in'), out];
  const run = `${engine} run --rm --network=none --read-only --user=0`;
  const command =
    way === 'each'
      ? `${run} -v ${inside}/{}:/in:ro -v ${outside}/{}:/out ${IMAGE} /in /out`
      : `${run} -v ${inside}:/in:ro -v ${outside}:/out --entrypoint=sh ${IMAGE} -c 'for one; do hdf5-netcdf /in/$one /out/$one || exit; done' sh {}`;
  const each = way === 'each' ? [] : ['-N', String(BATCH)];
  const cpuSeconds = await timed(
    ['parallel', '--halt', 'now,fail=1', '--jobs', String(slots), ...each, command],
    names.join('\n'),
  );
  return async () => {
    const made = (await readdir(out, { recursive: true })).filter((name) => name.endsWith('.nc')).length;
    return { made, launches: way === 'each' ? count : Math.ceil(count / BATCH), cpuSeconds };
  };
}

function tableOf({ count, slots }: Setup, bytes: number, profiles: string, measured: Measured[]): string {
  const rows = measured.map(({ way, seconds, made, launches, workSeconds, cpuSeconds, load }) => [
    way,
    String(made),
    String(launches),
    seconds.toFixed(0),
    (made / seconds).toFixed(2),
    ((seconds * slots) / made).toFixed(2),
    workSeconds === undefined ? '' : (workSeconds / made).toFixed(2),
    ((cpuSeconds / made) * 1000).toFixed(0),
    load.map((one) => one.toFixed(1)).join(' – '),
  ]);
  const head = [
    'way',
    'made',
    'containers',
    'wall s',
    'files/s',
    'slot s a file',
    'handler s a file',
    'CPU ms around it',
    'load',
  ];
  const intro = `${count} granules of ${profiles} profiles, ${(bytes / 1e6).toFixed(0)} MB, ${slots} at once, ${new Date().toISOString().slice(0, 10)}`;
  return [intro, '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;

await main();
