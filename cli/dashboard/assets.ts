/** The page's files: bundled from `dashboard/` when the command starts (0.1 s), so that they are never older than it. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PROJECT } from '../project.ts';
import type { PageSettings } from './view.ts';

export interface Asset {
  type: string;
  body: string | Uint8Array;
}

export type Assets = ReadonlyMap<string, Asset>;

const TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
};

/** Path → file. There is nothing else to be had: no path of a request ever reaches the file system. */
export async function makeAssets(settings: PageSettings): Promise<Assets> {
  const folder = join(PROJECT, 'dashboard');
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'main.tsx'), join(folder, 'style.css')],
    outdir: folder,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const assets = new Map<string, Asset>();
  for (const { path, contents } of outputFiles) {
    const name = path.slice(folder.length + 1);
    assets.set(`/assets/${name}`, { type: typeOf(name), body: contents });
  }
  const require = createRequire(import.meta.url);
  for (const atlas of ['countries-110m.json', 'countries-50m.json']) {
    const body = await readFile(require.resolve(`world-atlas/${atlas}`));
    assets.set(`/assets/${atlas}`, { type: typeOf(atlas), body });
  }
  assets.set('/assets/icon.svg', {
    type: typeOf('icon.svg'),
    body: await readFile(join(folder, 'icon.svg')),
  });
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  assets.set('/', {
    type: typeOf('index.html'),
    body: html.replace('{{settings}}', () => safeJson(settings)),
  });
  return assets;
}

const typeOf = (name: string): string =>
  TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';

/** JSON that cannot end the element that it stands in. */
const safeJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
