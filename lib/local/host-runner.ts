/**
 * Jobs as processes of this machine, for when there is no container engine: the task's own `host.command`, through the
 * same runner script, in a process group of its own. There is no memory limit, and nothing keeps it from the network.
 *
 * Each job's leader (run.sh) writes `control/pid` itself, with O_EXCL, before it does anything else. So of two launches one
 * starts, and there is no moment at which a process runs that nobody knows of, whenever we are killed.
 */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../ports.ts';
import { writePack } from '../stage/pack.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { removeFile } from './durable.ts';
import { hasCode, messageOf } from './errors.ts';
import { lackOfTools } from './host-tools.ts';
import { isAlive, killRest, LEADER, readLeader, type Leader } from './leader.ts';
import { passedOn } from './passed-on.ts';
import { signalGroup } from './proc.ts';
import type { ProcessHost, ReadyMember, Seen, StartOutcome, StartRequest } from './process-host.ts';
import { launchDir, parseRef } from './refs.ts';
import { secretsOf } from './secrets.ts';

/** Between SIGTERM and SIGKILL, in milliseconds. */
const STOP_TIMEOUT_MS = 30_000;
/** A process that is not our child cannot be waited for, so it is looked at this often. */
const POLL_MS = 1000;
/** sh needs some milliseconds to write its pid; a machine under load more. */
const PID_TIMEOUT_MS = 20_000;

export interface HostOptions {
  /** The task's host command is started here. */
  projectRoot: string;
  homeId: string;
  /** Attempt folders. */
  work: string;
  /** Why there is no engine: said when tools are missing. */
  whyNoEngine: string;
  log: Log;
}

export class PlainHost implements ProcessHost {
  readonly kind = 'host';
  readonly #options: HostOptions;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  async ready(task: TaskDefinition): Promise<{ outcome: 'refused'; reason: string } | undefined> {
    const { projectRoot, whyNoEngine } = this.#options;
    const reason = await lackOfTools(task, projectRoot, whyNoEngine);
    return reason === undefined ? undefined : { outcome: 'refused', reason };
  }

  async start({ ref, launch, task, dir, members, cache }: StartRequest): Promise<StartOutcome> {
    const command = task.host?.command;
    if (!command) return { outcome: 'refused', reason: `${task.name} has no command for the host` };
    await mkdir(cache, { recursive: true });
    await mkdir(join(dir, 'control'), { recursive: true });
    const { words, env } = await this.#command(command, { launch, dir, members });
    const child = spawn('sh', ['-c', LEADER, 'sh', this.#pidFile(ref), ...words], {
      cwd: this.#options.projectRoot,
      detached: true, // setsid(2): outlives us, and is a group that can be signalled as one
      stdio: 'ignore',
      env: {
        ...passedOn(),
        ...secretsOf(task),
        ...env,
        LONGSHORE_CACHE: cache,
        // Its cgroup is the session's, or the whole machine's.
        LONGSHORE_CGROUP: '',
      },
    });
    const ended = new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('exit', () => resolve(undefined));
    });
    child.unref();
    return await this.#known(ref, ended);
  }

  /** A job alone has its script and its environment to itself; of several, the pack's script gives each its own. */
  async #command(
    command: string[],
    { launch, dir, members }: Pick<StartRequest, 'launch' | 'dir' | 'members'>,
  ): Promise<{ words: string[]; env: Record<string, string> }> {
    const [{ member, layout }] = members as [ReadyMember];
    if (launch.members.length === 1) {
      return {
        words: [layout.runScript, ...command, layout.input, layout.output],
        env: { ...member.env, TMPDIR: layout.tmp },
      };
    }
    const control = join(dir, 'control');
    await writePack(
      control,
      members.map((one) => ({ member: one.member, control: one.layout.control, dir: one.layout.dir })),
    );
    return { words: [join(control, 'pack.sh'), 'host', ...command], env: {} };
  }

  async look(refs: string[]): Promise<Map<string, Seen>> {
    const seen = new Map<string, Seen>();
    for (const ref of refs) seen.set(ref, await this.#look(ref));
    return seen;
  }

  async wait(ref: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#alive(ref))) {
      await sleep(POLL_MS, undefined, { signal, ref: false }).catch((error: unknown) => {
        if (!hasCode(error, 'ABORT_ERR')) throw error;
      });
    }
  }

  async stop(ref: string): Promise<void> {
    const leader = await this.#leader(ref);
    if (!leader || !(await isAlive(leader))) return;
    signalGroup(leader.pid, 'SIGTERM');
    void this.#killLater(leader).catch((error: unknown) => {
      this.#options.log.warn('Process:Stop:Failed', { ref, reason: messageOf(error) });
    });
  }

  async remove(ref: string): Promise<void> {
    const leader = await this.#leader(ref);
    if (leader) await killRest(leader);
  }

  async #look(ref: string): Promise<Seen> {
    const leader = await this.#leader(ref);
    if (!leader) return { state: 'missing' };
    if (await isAlive(leader)) return { state: 'running' };
    // Without its leader the command is nobody's: it must not write on while the job is tried again.
    await killRest(leader);
    return { state: 'stopped', reason: 'Its process was killed from outside, or the machine was restarted' };
  }

  async #killLater(leader: Leader): Promise<void> {
    const until = performance.now() + STOP_TIMEOUT_MS;
    while (performance.now() < until) {
      await sleep(POLL_MS, undefined, { ref: false });
      if (!(await isAlive(leader))) return;
    }
    if (await isAlive(leader)) signalGroup(leader.pid, 'SIGKILL');
  }

  /** Until the leader has written its pid: ours, or that of an earlier launch, which then goes on. */
  async #known(ref: string, ended: Promise<string | undefined>): Promise<StartOutcome> {
    const until = performance.now() + PID_TIMEOUT_MS;
    let over = false;
    let trouble: string | undefined;
    void ended.then((why) => {
      over = true;
      trouble = why;
      return why;
    });
    while (performance.now() < until) {
      const wasOver = over;
      if (await this.#leader(ref)) return { outcome: 'started' };
      if (wasOver) break;
      await sleep(10);
    }
    // A pid file without a pid: the disk was full when it was written.
    await removeFile(this.#pidFile(ref));
    return {
      outcome: 'wait',
      reason: `The process did not start: ${trouble ?? 'its pid file could not be written; is the disk full?'}`,
      retryAfterSeconds: 15,
    };
  }

  async #leader(ref: string): Promise<Leader | undefined> {
    return await readLeader(this.#pidFile(ref));
  }

  async #alive(ref: string): Promise<boolean> {
    const leader = await this.#leader(ref);
    return leader !== undefined && (await isAlive(leader));
  }

  #pidFile(ref: string): string {
    const { homeId, work } = this.#options;
    const launch = parseRef(homeId, ref);
    if (launch === undefined) throw new Error(`"${ref}" is not a task of this home`);
    return join(launchDir(work, launch), 'control', 'pid');
  }
}
