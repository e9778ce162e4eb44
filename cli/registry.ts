/** What a registry has under a tag: the part of its HTTP API that is needed to never overwrite a version. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { RegistryLogin } from './ecr-login.ts';

export interface RemoteImage {
  /** Of the manifest: what an image is named by. */
  digest: string;
  /** Of the configuration: the same for an image that was compressed anew when it was pushed. Absent of a list of images. */
  config?: string;
}

export interface Reference {
  host: string;
  repository: string;
  tag: string;
}

/** The registry does not say. */
export class RegistryError extends Error {
  override name = 'RegistryError';
}

const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

const Manifest = z.object({ config: z.object({ digest: z.string() }).exactOptional() });

/** As engines do: a registry on this machine needs no TLS. */
export const isLocal = (host: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);

/** `undefined` when there is no such tag. Throws {@link RegistryError} when the registry cannot be asked. */
export async function remoteImage(
  { host, repository, tag }: Reference,
  login: RegistryLogin | undefined,
): Promise<RemoteImage | undefined> {
  const url = `${isLocal(host) ? 'http' : 'https'}://${host}/v2/${repository}/manifests/${tag}`;
  const basic = login ? basicAuth(login) : await storedAuth(host);
  let answer = await ask(url, basic);
  const challenge = answer.headers.get('www-authenticate') ?? '';
  if (answer.status === 401 && /^bearer /i.test(challenge))
    answer = await ask(url, await bearer(challenge, basic));
  // ECR answers 404 also for a repository that is not there.
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new RegistryError(`${url} answers HTTP ${answer.status} ${answer.statusText}`);
  const digest = answer.headers.get('docker-content-digest');
  if (digest === null) throw new RegistryError(`${url} answers without a digest`);
  const config = Manifest.parse(await answer.json()).config?.digest;
  return { digest, ...(config === undefined ? {} : { config }) };
}

async function ask(url: string, authorization: string | undefined): Promise<Response> {
  const headers = { accept: MANIFESTS, ...(authorization === undefined ? {} : { authorization }) };
  try {
    return await fetch(url, { headers });
  } catch (error) {
    const { cause } = error as { cause?: Error };
    throw new RegistryError(`${url} cannot be reached (${cause?.message ?? String(error)})`, {
      cause: error,
    });
  }
}

/** Docker's token protocol: the registry names a server that gives tokens for one repository. */
async function bearer(challenge: string, basic: string | undefined): Promise<string> {
  const fields = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  if (!fields.realm)
    throw new RegistryError(`The registry asks for a token, and does not say where: ${challenge}`);
  const url = new URL(fields.realm);
  for (const name of ['service', 'scope']) if (fields[name]) url.searchParams.set(name, fields[name]);
  const answer = await ask(String(url), basic);
  if (!answer.ok)
    throw new RegistryError(`${url.host} gives no token: HTTP ${answer.status} ${answer.statusText}`);
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token}`;
}

const basicAuth = ({ user, password }: RegistryLogin): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const AuthFile = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().exactOptional() })).exactOptional(),
});

/** What `docker login` or `podman login` left behind, where no keyring has it. */
async function storedAuth(host: string): Promise<string | undefined> {
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, DOCKER_CONFIG } = process.env;
  const files = [
    REGISTRY_AUTH_FILE ?? '',
    XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'containers/auth.json') : '',
    `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
    join(DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json'),
  ];
  for (const file of files.filter((one) => one !== '')) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const parsed = text === undefined ? undefined : AuthFile.safeParse(JSON.parse(text));
    const auth = parsed?.data?.auths?.[host]?.auth;
    if (auth !== undefined) return `Basic ${auth}`;
  }
  return undefined;
}
