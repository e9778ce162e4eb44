/**
 * `npm run demo [-- HOME]`: drops a few small areas into a home folder (default ./home), has them made into maps, and says
 * where they are and what they took. Run again, it only shows what is there: the same file is the same job.
 */
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { dropFiles } from '../cli/commands/drop.ts';
import { up } from '../cli/commands/up.ts';
import { CliError } from '../cli/errors.ts';
import { formatBytes, formatSeconds, formatTable, formatUsd } from '../cli/format.ts';
import { onInterrupt } from '../cli/interrupt.ts';
import { openLocalHome } from '../cli/local-backend.ts';
import { noteLog } from '../cli/note-log.ts';
import { PROJECT } from '../cli/project.ts';
import { terminal, type Output } from '../cli/streams.ts';
import { findTask } from '../cli/tasks-folder.ts';
import type { Home } from '../lib/local/home.ts';
import { publishedReceipt } from '../lib/pipeline/fresh.ts';
import type { Receipt } from '../lib/pipeline/receipt.ts';
import { status } from '../lib/pipeline/status.ts';
import { ensureImages } from './images.ts';
import { SAMPLE_AREAS } from './sample/areas.ts';
import { writeMirror } from './sample/mirror.ts';

const TASK = 'osm-mapsforge';
const MIRROR = 'https://download.geofabrik.de';
/** Two of the smallest: 0.6 and 3 MB. */
const REAL_AREAS = ['europe/monaco', 'europe/liechtenstein'];

const out = terminal(process.stdout, process.stderr);

async function main(): Promise<void> {
  const dir = resolve(process.argv[2] ?? join(PROJECT, 'home'));
  if (process.env.LONGSHORE_ENGINE !== 'none') await ensureImages();
  const home = await openLocalHome(dir, noteLog(out));
  const { names, note } = await bring(home, out);
  out.note(note);
  home.close();

  const interrupt = onInterrupt();
  await up({ home: dir, json: false, untilIdle: true }, out, interrupt.signal);
  interrupt.release();
  if (interrupt.signal.aborted) {
    out.note('Stopped; npm run demo goes on from here.');
    process.exitCode = 130;
    return;
  }
  await report(home, names);
}

interface Brought {
  /** Publication names: `monaco-latest`. */
  names: string[];
  note: string;
}

/** The areas of an earlier demo in this home; else real ones where the network allows it; else our own. */
async function bring(home: Home, log: Output): Promise<Brought> {
  const folder = join(home.dir, 'demo');
  const real = REAL_AREAS.map((area) => join(folder, `${area}-latest.osm.pbf`));
  const files =
    real.every((file) => existsSync(file)) || (await downloadAll(real, folder))
      ? real
      : await writeMirror(folder, SAMPLE_AREAS);
  const note =
    files === real
      ? `Areas from ${MIRROR} (© OpenStreetMap contributors, ODbL 1.0): ${REAL_AREAS.join(', ')}`
      : `${MIRROR} cannot be reached: islands of our own making instead (scripts/sample)`;
  const task = findTask(home.ctx.tasks, TASK);
  const fresh: string[] = [];
  for (const file of files)
    if (!(await home.ctx.stores.uploads.head(`${TASK}/${basename(file)}`))) fresh.push(file);
  await dropFiles(home.ctx, task, fresh, log);
  return { names: files.map((file) => basename(file, '.osm.pbf')), note };
}

/** False when the mirror cannot be reached at all; what goes wrong after that is an error. */
async function downloadAll(files: string[], folder: string): Promise<boolean> {
  for (const file of files) {
    const url = `${MIRROR}/${file.slice(folder.length + 1)}`;
    let answer: Response;
    try {
      answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    } catch {
      return false;
    }
    if (!answer.ok || !answer.body) return false;
    out.note(`downloading ${url}`);
    await mkdir(dirname(file), { recursive: true });
    await pipeline(Readable.fromWeb(answer.body), createWriteStream(`${file}.part`));
    await rename(`${file}.part`, file);
  }
  return true;
}

async function report(home: Home, names: string[]): Promise<void> {
  const { failures } = await status(home.ctx);
  const receipts: Receipt[] = [];
  for (const name of names) {
    const receipt = await publishedReceipt(home.ctx, { task: TASK, name });
    if (receipt) receipts.push(receipt);
  }
  out.line('');
  out.line(resultTable(receipts));
  out.line('');
  for (const { files } of receipts)
    for (const { uri, name } of files) if (name.endsWith('.map')) out.line(fileURLToPath(uri));
  for (const { name, reason } of failures) out.line(`failed: ${name}: ${reason}`);
  out.line(`\nEverything about how they were made: receipt.json beside each. Next: npx longshore --help`);
  if (receipts.length < names.length) process.exitCode = 1;
}

function resultTable(receipts: Receipt[]): string {
  const rows = receipts.map(({ name, files, inputs, seconds, costUsd, peakMemoryBytes }) => {
    const maps = files.filter((file) => file.name.endsWith('.map'));
    return [
      name,
      formatBytes(inputs[0]?.bytes ?? 0),
      String(maps.length),
      formatBytes(maps.reduce((sum, { bytes }) => sum + bytes, 0)),
      formatSeconds(seconds),
      peakMemoryBytes === undefined ? '?' : formatBytes(peakMemoryBytes),
      formatUsd(costUsd),
    ];
  });
  const header = ['area', 'extract', 'maps', 'size', 'took', 'peak memory', 'on Fargate'];
  return formatTable(header, rows, header.slice(1));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  out.note(error.message);
  process.exitCode = error.exitCode;
}
