/** Jobs in containers of Docker or Podman, through their command line: the one interface that both have and keep. */
import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { execa } from 'execa';
import * as z from 'zod';
import type { Log } from '../ports.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { writeNext } from '../stage/fetch.ts';
import { attemptLayout, type AttemptLayout } from '../stage/layout.ts';
import { memberFolder, writePack } from '../stage/pack.ts';
import type { ProcessHost, ReadyMember, Seen, StartOutcome, StartRequest } from './process-host.ts';
import { askEngine, lastLine, NO_SUCH_IMAGE, type Engine } from './engine.ts';
import { messageOf } from './errors.ts';
import { secretFlags } from './secrets.ts';

/** Between SIGTERM and SIGKILL, in seconds. */
const STOP_TIMEOUT = 30;
/** A fork bomb must not take the machine with it; a JVM on many cores has some hundreds of threads. */
const PROCESSES = 4096;
/** After the engine itself failed, in seconds. */
const RETRY_AFTER = 15;

/** Where a container finds its folders. */
const ROOT = '/longshore';
const CACHE = `${ROOT}/cache`;
/** Also what ignores $TMPDIR writes to the job's disk, and not to memory. */
const TMP = '/tmp';

type Hindrance = Extract<StartOutcome, { outcome: 'wait' | 'refused' }>;

export class EngineHost implements ProcessHost {
  readonly kind: Engine['kind'];
  readonly #engine: Engine;
  readonly #homeId: string;
  readonly #log: Log;

  constructor(engine: Engine, homeId: string, log: Log) {
    this.kind = engine.kind;
    this.#engine = engine;
    this.#homeId = homeId;
    this.#log = log;
  }

  async ready(task: TaskDefinition): Promise<Hindrance | undefined> {
    const image = await this.#image(task);
    return 'outcome' in image ? image : undefined;
  }

  async start(request: StartRequest): Promise<StartOutcome> {
    const { ref, task, cache, dir } = request;
    if (/[:\n]/.test(dir)) {
      return {
        outcome: 'refused',
        reason: `No container can be given the folder ${dir}: its path has a colon or a line break. Give another with --home`,
      };
    }
    const image = await this.#image(task);
    if ('outcome' in image) return image;
    await mkdir(cache, { recursive: true });
    const { words, env, volumes } = await inside(request);
    const answer = await this.#ask([
      'run',
      ...this.#flags(request),
      ...volumes.map((volume) => `--volume=${volume}`),
      ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
      image.id,
      ...words,
    ]);
    if (answer.exitCode === 0) return { outcome: 'started', imageDigest: image.digest };
    // A launch that was cut short, or another process's: it is the same container, by its name.
    if (/name .*already in use/is.test(answer.stderr) && (await this.#startedOnce(ref)))
      return { outcome: 'started', imageDigest: image.digest };
    await this.remove(ref);
    const reason = `${this.#engine.kind} could not start the container: ${lastLine(answer.stderr)}`;
    // 126 and 127: the engine made the container and could not run `sh` in it.
    if (answer.exitCode === 126 || answer.exitCode === 127) {
      return { outcome: 'refused', reason: `${reason}. The image ${task.image} needs a POSIX shell at "sh"` };
    }
    return { outcome: 'wait', reason, retryAfterSeconds: RETRY_AFTER };
  }

  /** Of a container that is there. One that has begun is left as it is: started again after its end, it would work twice. */
  async #startedOnce(ref: string): Promise<boolean> {
    const hasBegun = async (): Promise<boolean> => {
      const seen = (await this.look([ref])).get(ref);
      return seen?.state === 'running' || (seen?.state === 'stopped' && seen.exitCode !== undefined);
    };
    if (await hasBegun()) return true;
    const { exitCode } = await this.#ask(['start', ref]);
    return exitCode === 0 || (await hasBegun());
  }

  async look(refs: string[]): Promise<Map<string, Seen>> {
    const answer = await this.#ask(['container', 'inspect', ...refs]);
    const unknown = answer.stderr
      .split('\n')
      .filter((line) => line.trim() !== '' && !NO_SUCH_CONTAINER.test(line));
    if (answer.exitCode !== 0 && (unknown.length > 0 || answer.exitCode < 0)) {
      throw new Error(`${this.#engine.kind} could not tell about its containers: ${lastLine(answer.stderr)}`);
    }
    const found = z.array(Inspected).parse(JSON.parse(answer.stdout.trim() || '[]'));
    const seen = new Map<string, Seen>(refs.map((ref) => [ref, { state: 'missing' }]));
    for (const { Name, State } of found) seen.set(Name.replace(/^\//, ''), seenOf(State));
    return seen;
  }

  async wait(ref: string, signal: AbortSignal): Promise<void> {
    // Its exit code is not asked: `describe` looks at the container itself, which also covers one that is gone.
    await execa(this.#engine.kind, ['wait', ref], {
      reject: false,
      // Nothing is read: what it leaves running could hold a pipe open for ever.
      stdio: 'ignore',
      cancelSignal: signal,
    });
  }

  async stop(ref: string): Promise<void> {
    // Not waited for: it takes up to half a minute, and goes on without us.
    void this.#stop(ref).catch((error: unknown) => {
      this.#log.warn('Container:Stop:Failed', { ref, reason: messageOf(error) });
    });
  }

  async remove(ref: string): Promise<void> {
    const answer = await this.#ask(['rm', '--force', ref]);
    // Without an engine there are no containers.
    if (answer.exitCode === 0 || !answer.isInstalled || NO_SUCH_CONTAINER.test(answer.stderr)) return;
    // Not passed over: nobody would come back for it.
    throw new Error(`The container ${ref} could not be removed: ${lastLine(answer.stderr)}`);
  }

  async #stop(ref: string): Promise<void> {
    const answer = await this.#ask(['stop', '-t', String(STOP_TIMEOUT), ref], STOP_TIMEOUT + 60);
    if (answer.exitCode !== 0 && !NO_SUCH_CONTAINER.test(answer.stderr))
      throw new Error(lastLine(answer.stderr));
    // Podman never learns the end of one whose monitor was killed, and would say for ever that it is stopping.
    if ((await this.look([ref])).get(ref)?.state === 'running') await this.remove(ref);
  }

  #flags({ ref, launch, task, cache }: StartRequest): string[] {
    const { rootless, kind, limits } = this.#engine;
    const { size } = launch;
    const labels = { home: this.#homeId, launch: launch.id, task: task.name };
    return [
      '--detach',
      '--pull=never',
      `--name=${ref}`,
      ...Object.entries(labels).map(([name, value]) => `--label=longshore.${name}=${value}`),
      // No swap: a job that swaps is slower than one that is tried again with more memory.
      ...(limits.memory ? [`--memory=${size.memoryMiB}m`, `--memory-swap=${size.memoryMiB}m`] : []),
      // Docker sets none by itself. Limited where memory is: rootless on cgroup v1 neither can be.
      ...(limits.memory ? [`--pids-limit=${PROCESSES}`] : []),
      // Docker refuses more than the machine has.
      ...(limits.cpu ? [`--cpus=${Math.min(size.vcpu, availableParallelism())}`] : []),
      '--read-only',
      ...userFlags(kind, rootless),
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      // Relabelling the user's own files, hard-linked into the input folder, would be worse.
      ...(existsSync('/sys/fs/selinux/enforce') ? ['--security-opt=label=disable'] : []),
      // The host's network, so that a mirror on 127.0.0.1 is the same for a job and for whoever started it.
      task.network ? '--network=host' : '--network=none',
      `--volume=${cache}:${CACHE}`,
      `--env=LONGSHORE_CACHE=${CACHE}`,
      ...secretFlags(task),
      // Without a memory cgroup of its own (rootless on cgroup v1) the numbers there are the whole machine's.
      ...(limits.memory ? [] : ['--env=LONGSHORE_CGROUP=']),
      // control/log.jsonl is the log.
      '--log-driver=none',
      '--entrypoint=sh',
    ];
  }

  /** By id, so that what runs is what is written down, also when the name moves on in between. */
  async #image({ image, name }: TaskDefinition): Promise<{ id: string; digest: string } | Hindrance> {
    const answer = await this.#ask(['image', 'inspect', image]);
    if (answer.exitCode === 0) {
      const [found] = z.array(Image).parse(JSON.parse(answer.stdout));
      if (found) {
        // Docker knows a digest only of images that a registry has seen; the id is one too, of the configuration.
        const digest = found.Digest ?? found.RepoDigests?.[0]?.split('@')[1] ?? prefixed(found.Id);
        return { id: found.Id, digest };
      }
    }
    if (NO_SUCH_IMAGE.test(answer.stderr)) {
      return {
        outcome: 'refused',
        reason: `There is no image ${image} on this machine: build it with: longshore image build ${name}`,
      };
    }
    return {
      outcome: 'wait',
      reason: `${this.#engine.kind} could not tell about its images: ${lastLine(answer.stderr)}`,
      retryAfterSeconds: RETRY_AFTER,
    };
  }

  #ask(args: string[], timeoutSeconds = 120) {
    return askEngine(this.#engine.kind, args, { timeoutSeconds });
  }
}

const NO_SUCH_CONTAINER = /no such (container|object)|no container with name/i;

const Image = z.object({
  Id: z.string(),
  Digest: z.string().min(1).optional(),
  RepoDigests: z.array(z.string()).nullish(),
});

const Inspected = z.object({
  Name: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number().optional(),
    OOMKilled: z.boolean().optional(),
    Error: z.string().optional(),
    StartedAt: z.string().optional(),
    FinishedAt: z.string().optional(),
  }),
});

const prefixed = (id: string): string => (id.startsWith('sha256:') ? id : `sha256:${id}`);

interface Inside {
  /** For `sh`. */
  words: string[];
  env: Record<string, string>;
  volumes: string[];
}

/** What a container is given of its jobs: the folders of its members, and no others. */
async function inside({ launch, task, dir, members }: StartRequest): Promise<Inside> {
  const [{ member, layout }] = members as [ReadyMember];
  if (launch.members.length === 1) {
    const folders = [`${ROOT}/input`, `${ROOT}/output`];
    const words = [`${ROOT}/control/run.sh`, ...task.command, ...folders];
    const fetch = member.fetch && task.fetch;
    if (fetch) await writeNext(layout, words);
    return {
      words: fetch ? [`${ROOT}/control/fetch/run.sh`, ...fetch.command, ...folders] : words,
      env: { ...member.env, TMPDIR: TMP },
      volumes: [...foldersOf(layout, ROOT), `${layout.tmp}:${TMP}`],
    };
  }
  const places = members.map((one, index) => ({ ...one, place: `${ROOT}/${memberFolder(index)}` }));
  const { control, tmp } = attemptLayout(dir);
  await mkdir(tmp, { recursive: true });
  await writePack(
    control,
    places.map((one) => ({ member: one.member, control: one.layout.control, dir: one.place })),
  );
  return {
    words: [`${ROOT}/control/pack.sh`, 'container', ...task.command],
    env: { LONGSHORE_SCRATCH: TMP },
    volumes: [
      `${control}:${ROOT}/control`,
      `${tmp}:${TMP}`,
      ...places.flatMap((one) => [...foldersOf(one.layout, one.place), `${one.layout.tmp}:${one.place}/tmp`]),
    ],
  };
}

const foldersOf = ({ input, output, control }: AttemptLayout, place: string): string[] => [
  `${input}:${place}/input:ro`,
  `${output}:${place}/output`,
  `${control}:${place}/control`,
];

/** Outputs must belong to whoever runs longshore, and only to them. */
function userFlags(kind: Engine['kind'], rootless: boolean): string[] {
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  if (!rootless) return [`--user=${user}`];
  // Rootless Docker's root is the user; rootless Podman maps the user to itself when asked to.
  return kind === 'docker' ? ['--user=0:0'] : ['--userns=keep-id', `--user=${user}`];
}

/** A container that was made and is not running: about to start, or it lost its state in a restart of the machine. */
const NOT_STARTED = new Set(['created', 'configured', 'initialized']);
const OVER = new Set(['exited', 'stopped', 'dead']);

function seenOf(state: z.infer<typeof Inspected>['State']): Seen {
  const startedAt = timeOf(state.StartedAt);
  const begun = startedAt === undefined ? {} : { startedAt };
  if (NOT_STARTED.has(state.Status)) {
    return { state: 'stopped', ...begun, reason: 'Its container lost its state: was the machine restarted?' };
  }
  if (!OVER.has(state.Status)) return { state: 'running', ...begun };
  const stoppedAt = timeOf(state.FinishedAt);
  const { ExitCode: exitCode, OOMKilled: outOfMemory, Error: error } = state;
  return {
    state: 'stopped',
    ...begun,
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(outOfMemory === undefined ? {} : { outOfMemory }),
    reason: reasonOf(exitCode, outOfMemory, error),
  };
}

function reasonOf(
  exitCode: number | undefined,
  outOfMemory: boolean | undefined,
  error: string | undefined,
): string {
  if (outOfMemory) return 'The kernel killed its container for memory';
  if (error) return error;
  if (exitCode !== undefined && exitCode > 128)
    return `Its container was killed from outside (signal ${exitCode - 128})`;
  return `Its container ended with exit code ${exitCode ?? 'unknown'}`;
}

/** Engines write year 1 for "never". */
function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isFinite(time) && time > 0 ? time : undefined;
}
