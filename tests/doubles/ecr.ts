/**
 * ECR, as far as pushing images needs it: the API that gives a password, and a registry (Debian's docker-registry) behind a
 * door that wants this password.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAwsJson } from './aws-json.ts';

export interface Ecr {
  /** For AWS_ENDPOINT_URL_ECR. */
  apiUrl: string;
  /** `127.0.0.1:PORT`, what the API says that the registry is. */
  host: string;
  /** Passwords that were given. */
  tokens: number;
  close(): Promise<void>;
}

/** `folder` keeps the images. Throws when docker-registry is not installed. */
export async function startEcr(folder: string): Promise<Ecr> {
  const password = randomBytes(16).toString('hex');
  const authorization = Buffer.from(`AWS:${password}`).toString('base64');
  const behind = await startRegistry(folder);
  const door = createServer((incoming, answer) => {
    if (incoming.headers.authorization === `Basic ${authorization}`)
      return forward(incoming, answer, behind.port);
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="ecr"' }).end();
  });
  const host = `127.0.0.1:${await listen(door)}`;
  const api = await startAwsJson({
    GetAuthorizationToken: () => {
      ecr.tokens += 1;
      const data = {
        authorizationToken: authorization,
        expiresAt: Date.now() / 1000 + 43_200,
        proxyEndpoint: `http://${host}`,
      };
      return { authorizationData: [data] };
    },
  });
  const ecr: Ecr = {
    apiUrl: api.endpoint,
    host,
    tokens: 0,
    async close() {
      behind.child.kill();
      await api.close();
      door.closeAllConnections();
      await new Promise((done) => door.close(done));
    },
  };
  return ecr;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

function forward(incoming: IncomingMessage, answer: ServerResponse, port: number): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (told) => {
    answer.writeHead(told.statusCode ?? 502, told.headers);
    told.pipe(answer);
  });
  onward.on('error', () => answer.writeHead(502).end());
  incoming.pipe(onward);
}

async function startRegistry(folder: string): Promise<{ child: ChildProcess; port: number }> {
  await mkdir(folder, { recursive: true });
  // A port that was free a moment ago: docker-registry cannot say which one it got.
  const probe = createServer();
  const port = await listen(probe);
  await new Promise((done) => probe.close(done));
  const config = join(folder, 'config.yml');
  await writeFile(
    config,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder}/images } }\nhttp: { addr: 127.0.0.1:${port} }\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  const gone = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`docker-registry ended with ${code}`)));
  });
  gone.catch(() => {});
  const up = async (): Promise<void> => {
    while (
      !(await fetch(`http://127.0.0.1:${port}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await sleep(50);
  };
  await Promise.race([up(), gone]);
  return { child, port };
}
