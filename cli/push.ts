/** Pushing an image: by its tag and by a tag of its own, never over a version, and written down by its digest. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { pushedImagesFile, recordPush } from '../lib/aws/pushed-images.ts';
import { stackName } from '../lib/aws/stack.ts';
import { BUILD_TAG_PREFIX } from '../lib/aws/task-definition.ts';
import { askEngine, lastLine, type Engine } from '../lib/local/engine.ts';
import { ecrLogin, isEcr, type RegistryLogin } from './ecr-login.ts';
import { CliError, EnvironmentError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Imaged } from './images.ts';
import { PROJECT } from './project.ts';
import { isLocal, RegistryError, remoteImage, type Reference, type RemoteImage } from './registry.ts';

export interface PushOptions {
  /** Host and path; without it this account's ECR, and in it what belongs to the stage. */
  registry?: string;
  tag: string;
  stage: string;
  region?: string;
}

export interface Pushed {
  image: string;
  /** With the tag. */
  name: string;
  digest: string;
  /** False when the registry had this very image under this version. */
  pushed: boolean;
  /** Where it was written down. */
  record: string;
}

/** Where to, and how to get in. Asked once for all images of a call. */
export interface Destination {
  registry: string;
  host: string;
  login?: RegistryLogin;
}

/** vX.Y.Z, with what semantic versions may have behind it: such a tag names one image for ever. */
const VERSION = /^v\d+\.\d+\.\d+([-+][\w.-]+)?$/;

/** Logs in to ECR by itself. Throws the SDK's errors for credentials and region. */
export async function findDestination(
  kind: Engine['kind'],
  { registry, stage, region }: Pick<PushOptions, 'registry' | 'stage' | 'region'>,
): Promise<Destination> {
  if (registry !== undefined && !isEcr(registry.split('/')[0]!))
    return { registry: registry.replace(/\/+$/, ''), host: registry.split('/')[0]! };
  const login = await ecrLogin(region, registry?.split('/')[0]);
  await logIn(kind, login);
  return {
    registry: registry?.replace(/\/+$/, '') ?? `${login.host}/${stackName(stage)}`,
    host: login.host,
    login,
  };
}

async function logIn(kind: Engine['kind'], { host, user, password }: RegistryLogin): Promise<void> {
  const args = ['login', ...insecure(kind, host), '--username', user, '--password-stdin', host];
  const { exitCode, stderr } = await execa(kind, args, { input: password, reject: false });
  if (exitCode !== 0) throw new EnvironmentError(`${kind} could not log in to ${host}: ${lastLine(stderr)}`);
}

/** Docker allows a registry on this machine without TLS; Podman wants to be told. */
const insecure = (kind: Engine['kind'], host: string): string[] =>
  kind === 'podman' && isLocal(host) ? ['--tls-verify=false'] : [];

export async function pushImage(
  kind: Engine['kind'],
  task: Imaged,
  destination: Destination,
  { tag, stage }: PushOptions,
): Promise<Pushed> {
  const { registry, host, login } = destination;
  const name = pushName(task.image, registry, tag);
  const id = await imageId(kind, task, tag);
  const isVersion = VERSION.test(tag);
  const repository = `${registry.slice(host.length + 1)}/${task.image}`.replace(/^\//, '');
  const known = isVersion ? await theVersion({ host, repository, tag }, login, id, name) : undefined;
  if (id === undefined && !known) throw noImage(task, tag);
  const digest = known?.digest ?? (await pushAll(kind, task, destination, tag, id!));
  const record = pushedImagesFile(stage);
  const pushedAt = new Date().toISOString();
  await recordPush(join(PROJECT, record), task.image, { registry, tag, digest, pushedAt });
  return { image: task.image, name, digest, pushed: known === undefined, record };
}

/**
 * What the registry has of the version. Without an image here it is taken as it is: going back to a version needs no build.
 * Throws {@link CliError} when the version is another image, {@link EnvironmentError} when the registry does not say.
 */
async function theVersion(
  reference: Reference,
  login: RegistryLogin | undefined,
  id: string | undefined,
  name: string,
): Promise<RemoteImage | undefined> {
  let found: RemoteImage | undefined;
  try {
    found = await remoteImage(reference, login);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new EnvironmentError(
      `Whether there is a ${name} already cannot be told, and a version is never overwritten: ${error.message}`,
      { cause: error },
    );
  }
  if (!found || id === undefined || found.config === id || found.digest === id) return found;
  throw new CliError(
    `There is a ${name} already, and it is another image (${found.digest}): a version is never overwritten. Give this one a new version`,
    EXIT.failed,
  );
}

/** `sha256:…` of the configuration; `undefined` when there is no such image here. */
async function imageId(kind: Engine['kind'], task: Imaged, tag: string): Promise<string | undefined> {
  const answer = await askEngine(kind, ['image', 'inspect', '--format', '{{.Id}}', `${task.image}:${tag}`]);
  return answer.exitCode === 0 ? `sha256:${answer.stdout.trim().replace(/^sha256:/, '')}` : undefined;
}

function noImage(task: Imaged, tag: string): EnvironmentError {
  const release = VERSION.test(tag) ? ` --release ${tag}` : '';
  return new EnvironmentError(
    `There is no image ${task.image}:${tag} on this machine: longshore image build ${task.name}${release}`,
  );
}

/** The asked tag last: whoever sees it finds the image whole. Returns the digest. */
async function pushAll(
  kind: Engine['kind'],
  task: Imaged,
  { registry, host }: Destination,
  tag: string,
  id: string,
): Promise<string> {
  const own = `${BUILD_TAG_PREFIX}${id.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  let digest = '';
  for (const one of [own, tag]) {
    const target = pushName(task.image, registry, one);
    const tagged = await askEngine(kind, ['tag', `${task.image}:${tag}`, target]);
    if (tagged.exitCode !== 0)
      throw new CliError(
        `${kind} could not name the image ${target}: ${lastLine(tagged.stderr)}`,
        EXIT.failed,
      );
    digest = await push(kind, target, host);
    await askEngine(kind, ['rmi', target]);
  }
  return digest;
}

async function push(kind: Engine['kind'], target: string, host: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-push-'));
  const file = join(folder, 'digest');
  const digestFile = kind === 'podman' ? [`--digestfile=${file}`] : [];
  try {
    const { exitCode, stdout } = await execa(kind, ['push', ...insecure(kind, host), ...digestFile, target], {
      reject: false,
      stdin: 'ignore',
      // Docker says the digest there, among its progress, which is for people.
      stdout: ['pipe', process.stderr],
      stderr: 'inherit',
    });
    if (exitCode !== 0) throw new CliError(couldNotPush(kind, target, host, exitCode), EXIT.failed);
    const told = kind === 'podman' ? await readFile(file, 'utf8') : stdout;
    const [digest] = /sha256:[0-9a-f]{64}/.exec(told) ?? [];
    if (digest === undefined)
      throw new CliError(`${kind} pushed ${target} and did not say its digest`, EXIT.failed);
    return digest;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function couldNotPush(kind: string, target: string, host: string, exitCode: number | undefined): string {
  const hint = isEcr(host)
    ? 'Its repository is made by the stack: deploy that first (npx serverless deploy)'
    : `If it asks for a login:  ${kind} login ${host}`;
  return `${kind} could not push ${target} (exit code ${exitCode}). ${hint}`;
}

/** Throws {@link UsageError} for what no registry takes. */
export function pushName(image: string, registry: string, tag: string): string {
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/.test(registry))
    throw new UsageError(
      `"${registry}" is no registry: give HOST[:PORT][/PATH] in small letters, without https://`,
    );
  if (!/^\w[\w.-]{0,127}$/.test(tag))
    throw new UsageError(`"${tag}" is no tag: letters, digits, _ . -, at most 128`);
  return `${registry.replace(/\/+$/, '')}/${image}:${tag}`;
}
