/**
 * Makes dist/, which the Dockerfile copies: the two programs, bundled, and the Node that runs them.
 *
 *     node containers/stage/prepare.mjs [x64|arm64]
 *
 * Node comes from npm, in the version of package.json: a registry is at hand wherever this repository was installed.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

async function bundle() {
  await build({
    entryPoints: [join(here, 'stage-in.ts'), join(here, 'stage-out.ts')],
    outdir: join(here, 'dist'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    // CommonJS packages in the bundle still call require for Node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    legalComments: 'none',
  });
}

async function node(arch) {
  const { version } = JSON.parse(await readFile(join(root, 'node_modules/node/package.json'), 'utf8'));
  const target = join(here, 'dist/node');
  if (process.platform === 'linux' && process.arch === arch) {
    await copyFile(join(root, 'node_modules/node/bin/node'), target);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'longshore-node-'));
  try {
    const spec = `node-linux-${arch}@${version}`;
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder, spec]);
    await run('tar', ['-xzf', join(folder, stdout.trim()), '-C', folder, 'package/bin/node']);
    await copyFile(join(folder, 'package/bin/node'), target);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const [arch = 'x64'] = process.argv.slice(2);
if (arch !== 'x64' && arch !== 'arm64') {
  console.error(`"${arch}" is no architecture of Fargate's: x64 or arm64`);
  process.exit(2);
}
await rm(join(here, 'dist'), { recursive: true, force: true });
await mkdir(join(here, 'dist'), { recursive: true });
await bundle();
await node(arch);
