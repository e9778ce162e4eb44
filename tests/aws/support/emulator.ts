/**
 * MiniStack, an AWS that is not ours, as a process of its own: over TLS and with IAM on, so that the stack's policies are
 * judged. docs/testing.md lists what it lacks, and how each gap is closed.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const START_MS = 60_000;

export interface Emulator {
  endpoint: string;
  /** What a process needs to work with it: endpoint, region, credentials of the account's root, its certificate. */
  env: Record<string, string>;
  /** PEM file of its certificate. */
  certificate: string;
  /** Everything that it and the functions printed so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** `env`: what the functions are to have besides. Installs it when it is missing. */
export async function startEmulator(env: Record<string, string> = {}): Promise<Emulator> {
  const python = await install();
  const folder = await mkdtemp(join(tmpdir(), 'longshore-aws-'));
  const port = await freePort();
  const endpoint = `https://127.0.0.1:${port}`;
  const certificate = join(folder, 'ministack-tls/server.crt');
  const own = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_EXTRA_CA_CERTS: certificate,
  };
  const path = join(folder, 'log.txt');
  const child = spawn(python, [fileURLToPath(new URL('start.py', import.meta.url))], {
    cwd: folder,
    // It ends with its stdin, and so with this process, however that ends.
    stdio: ['pipe', 'pipe', 'pipe'],
    // The workers inherit it: their `node` must be ours.
    env: {
      ...own,
      ...env,
      PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
      HOME: folder,
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      USE_SSL: '1',
      AUTH: 'true',
      NODE_OPTIONS: `--require ${fileURLToPath(new URL('load-cjs.cjs', import.meta.url))} --disable-warning=DEP0169`,
    },
  });
  const file = createWriteStream(path);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const log = async (): Promise<string> => await readFile(path, 'utf8');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await once(child, 'exit');
      clearTimeout(late);
    }
    file.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(endpoint, certificate, () => child.exitCode);
  } catch (error) {
    const said = await log();
    await stop();
    throw new Error(`MiniStack did not start: ${String(error)}\n${said}`, { cause: error });
  }
  return { endpoint, env: { ...own, AWS_ENDPOINT_URL: endpoint }, certificate, log, stop };
}

async function install(): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', [join(root, 'scripts/ministack.sh')]);
  return stdout.trim().split('\n').at(-1) ?? '';
}

/** Somebody else may take it in between; nobody does so on purpose. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilReady(
  endpoint: string,
  certificate: string,
  exitCode: () => number | null,
): Promise<void> {
  const end = Date.now() + START_MS;
  let last: unknown;
  while (Date.now() < end) {
    if (exitCode() !== null) throw new Error(`it ended with ${exitCode()}`);
    try {
      trust(await readFile(certificate, 'utf8'));
      const { ok } = await fetch(`${endpoint}/_ministack/health`);
      if (ok) return;
    } catch (error) {
      last = error;
    }
    await sleep(200);
  }
  throw new Error(`it does not answer at ${endpoint}`, { cause: last });
}

/** For the clients of this process; others have NODE_EXTRA_CA_CERTS. */
function trust(pem: string): void {
  const known = getCACertificates('default');
  if (!known.includes(pem)) setDefaultCACertificates([...known, pem]);
}
