#!/usr/bin/env node
/**
 * A download server in Geofabrik's layout: makes the folder from the sample areas, and serves a folder over HTTP on the
 * loopback address (the sample's, or one with real extracts).
 *
 *     node scripts/sample/mirror.ts DIR [--write] [--port N]
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SAMPLE_AREAS, type SampleArea } from './areas.ts';
import { makeIsland, SAMPLE_TIMESTAMP } from './island.ts';
import { writePbf, type Box } from './osm-pbf.ts';

/**
 * Writes `<id>-latest.osm.pbf`, `<id>-latest.osm.pbf.md5` and `<id>.poly` for each area, and `index-v1.json`.
 *
 * @returns the paths of the extracts
 */
export async function writeMirror(
  dir: string,
  areas: readonly SampleArea[] = SAMPLE_AREAS,
): Promise<string[]> {
  const extracts: string[] = [];
  const features: object[] = [];
  for (const area of areas) {
    const island = makeIsland(area);
    const extract = join(dir, `${area.id}-latest.osm.pbf`);
    await mkdir(dirname(extract), { recursive: true });
    await writePbf(extract, { ...island, timestamp: SAMPLE_TIMESTAMP });
    const md5 = createHash('md5')
      .update(await readFile(extract))
      .digest('hex');
    await writeFile(`${extract}.md5`, `${md5}  ${basename(extract)}\n`);
    await writeFile(join(dir, `${area.id}.poly`), polyText(area.name, island.boxes));
    features.push({
      type: 'Feature',
      properties: {
        id: basename(area.id),
        parent: dirname(area.id),
        name: area.name,
        urls: { pbf: `/${area.id}-latest.osm.pbf` },
      },
      geometry: { type: 'MultiPolygon', coordinates: island.boxes.map((box) => [corners(box)]) },
    });
    extracts.push(extract);
  }
  await writeFile(join(dir, 'index-v1.json'), JSON.stringify({ type: 'FeatureCollection', features }));
  return extracts;
}

/** Osmosis' polygon filter format: one section a box. */
function polyText(name: string, boxes: readonly Box[]): string {
  const sections = boxes.map((box, i) =>
    [`${i + 1}`, ...corners(box).map(([lon, lat]) => `   ${lon}   ${lat}`), 'END'].join('\n'),
  );
  return [name, ...sections, 'END', ''].join('\n');
}

function corners([west, south, east, north]: Box): [number, number][] {
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
}

export interface MirrorRequest {
  method: string;
  /** Path as asked, still percent-encoded. */
  path: string;
  range?: string;
  status: number;
}

export interface Mirror {
  /** Without a slash at the end. */
  url: string;
  /** All answered requests, oldest first. */
  requests: MirrorRequest[];
  /** Stops listening and drops open connections. */
  close(): Promise<void>;
}

export interface MirrorOptions {
  /** Default 0: a free port. */
  port?: number;
  /** Answers with this status and no body instead of a file, for tests of a mirror that is down. */
  fail?: (path: string) => number | undefined;
}

/** Serves a folder's files on 127.0.0.1: GET and HEAD, one Range, ETag, Last-Modified, If-None-Match, If-Range. */
export async function serveMirror(dir: string, options: MirrorOptions = {}): Promise<Mirror> {
  const root = await realpath(dir);
  const requests: MirrorRequest[] = [];
  const server = createServer((request, response) => {
    response.on('finish', () => {
      requests.push({
        method: request.method ?? '',
        path: request.url ?? '',
        ...(request.headers.range !== undefined && { range: request.headers.range }),
        status: response.statusCode,
      });
    });
    answer(root, request, response, options).catch((error: unknown) => {
      // A client that hangs up is its own affair; anything else is a broken mirror, and must show.
      if (!response.headersSent) response.writeHead(500).end(String(error));
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The mirror has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: MirrorOptions,
): Promise<void> {
  const failure = options.fail?.(request.url ?? '');
  if (failure !== undefined) return void response.writeHead(failure).end();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return void response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  }
  const path = filePath(root, request.url ?? '/');
  const info = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (path === undefined || !info?.isFile()) return void response.writeHead(404).end('Not found\n');

  const etag = `"${Math.trunc(info.mtimeMs).toString(16)}-${info.size.toString(16)}"`;
  const headers: Record<string, string | number> = {
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
    ETag: etag,
    'Last-Modified': info.mtime.toUTCString(),
  };
  if (isUnchanged(request, etag, info.mtime)) return void response.writeHead(304, headers).end();

  const range = wantsRange(request, etag) ? parseRange(request.headers.range!, info.size) : 'whole';
  if (range === 'unsatisfiable') {
    return void response.writeHead(416, { ...headers, 'Content-Range': `bytes */${info.size}` }).end();
  }
  const { start, end } = range === 'whole' ? { start: 0, end: info.size - 1 } : range;
  headers['Content-Length'] = end - start + 1;
  if (range !== 'whole') headers['Content-Range'] = `bytes ${start}-${end}/${info.size}`;
  response.writeHead(range === 'whole' ? 200 : 206, headers);
  if (request.method === 'HEAD' || info.size === 0) return void response.end();
  await pipeline(createReadStream(path, { start, end }), response);
}

/** The file meant by a URL, or nothing when it points out of the folder or is not well encoded. */
function filePath(root: string, url: string): string | undefined {
  try {
    const path = join(root, decodeURIComponent(url.replace(/[?#].*$/s, '')));
    return path.startsWith(root + sep) && !path.includes('\0') ? path : undefined;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function isUnchanged(request: IncomingMessage, etag: string, modified: Date): boolean {
  const known = request.headers['if-none-match'];
  if (known !== undefined) return known === '*' || known.split(/\s*,\s*/).includes(etag);
  const since = request.headers['if-modified-since'];
  // HTTP dates have whole seconds.
  return since !== undefined && Math.trunc(modified.getTime() / 1000) * 1000 <= Date.parse(since);
}

function wantsRange(request: IncomingMessage, etag: string): boolean {
  const condition = request.headers['if-range'];
  return request.headers.range !== undefined && (condition === undefined || condition === etag);
}

/** One `bytes=` range; several, or another unit, may be answered with the whole file (RFC 9110, 14.2). */
function parseRange(
  header: string,
  size: number,
): { start: number; end: number } | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) return 'whole';
  const [, first, last] = match;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first === '' && Number(last) === 0) return 'unsatisfiable';
  if (first !== '' && last !== '' && Number(last) < Number(first)) return 'whole';
  return start < size ? { start, end } : 'unsatisfiable';
}

// --- The command ----------------------------------------------------------------------------------------------------

const USAGE =
  'Usage: node scripts/sample/mirror.ts DIR [--write] [--port N]   (--write: make the sample areas there first)';

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { write: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } },
  });
  const [dir, ...rest] = positionals;
  const port = Number(values.port);
  if (!dir || rest.length > 0 || !Number.isInteger(port) || port < 0 || port > 65535) throw new Error(USAGE);
  if (values.write) {
    await mkdir(dir, { recursive: true });
    for (const extract of await writeMirror(dir)) console.log(extract);
  }
  const mirror = await serveMirror(dir, { port });
  console.log(mirror.url);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
