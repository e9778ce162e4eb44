/** A home folder: everything that longshore knows on one machine. Any number of processes may have it open. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { PipelineContext } from '../pipeline/context.ts';
import { ObjectExistsError, type Clock, type Log } from '../ports.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { AttemptRunner } from './attempt-runner.ts';
import { EngineHost } from './engine-runner.ts';
import { findEngine, type EngineSearch } from './engine.ts';
import { FolderRecords } from './folder-records.ts';
import { FolderStore } from './folder-store.ts';
import { PlainHost } from './host-runner.ts';
import { MemoryQueue } from './memory-queue.ts';
import { patientLog } from './patient-log.ts';
import type { HostKind, ProcessHost } from './process-host.ts';
import {
  BadSettingsError,
  checkSettings,
  pipelineSettings,
  readSettings,
  type LocalSettings,
} from './settings.ts';

export interface HomeOptions {
  /** Made with all that belongs in it when it is not there. */
  dir: string;
  tasks: ReadonlyMap<string, TaskDefinition>;
  log: Log;
  /** Instead of those in the home's `longshore.json`. */
  settings?: LocalSettings;
  /** Instead of looking for one. */
  engine?: EngineSearch;
  /** Where tasks' host commands are started; default: the project that this file belongs to. */
  projectRoot?: string;
}

export interface Home {
  dir: string;
  /** Made once; names this home's containers. */
  id: string;
  ctx: PipelineContext;
  uploads: FolderStore;
  jobs: MemoryQueue;
  steps: MemoryQueue;
  runner: AttemptRunner;
  settings: LocalSettings;
  /** Looked for when first asked for, then remembered. */
  engine(): Promise<EngineSearch>;
  /** Stops watching what runs; it runs on. */
  close(): void;
}

const HomeFile = z.object({ id: z.string().regex(/^[0-9a-f]{8}$/) });

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms) => {
    await sleep(ms);
  },
};

export async function openHome(options: HomeOptions): Promise<Home> {
  const { tasks } = options;
  const log = patientLog(options.log);
  const dir = resolve(options.dir);
  const folder = (name: string): string => join(dir, name);
  for (const name of ['uploads', 'output', 'quarantine', 'ledger', 'work', 'cache']) {
    await mkdir(folder(name), { recursive: true });
  }
  // So that a person sees where to drop what.
  for (const { name, accepts } of tasks.values()) {
    if (accepts.length > 0) await mkdir(join(dir, 'uploads', name), { recursive: true });
  }
  const id = await homeId(dir);
  const settings = options.settings
    ? checkSettings(options.settings, 'The settings given')
    : await readSettings(dir);

  const own = folder('work');
  const uploads = new FolderStore({ root: folder('uploads'), foreign: true });
  const staging = new FolderStore({ root: own, own, prune: true });
  const jobs = new MemoryQueue();
  const steps = new MemoryQueue();
  const engine = remembered(async () => options.engine ?? (await findEngine()));
  const hosts = hostsOf({ ...options, log, id, work: own, engine });
  const runner = new AttemptRunner({
    homeId: id,
    work: own,
    cache: folder('cache'),
    uploads,
    staging,
    tasks,
    log,
    ...hosts,
  });
  const ctx: PipelineContext = {
    stores: {
      uploads,
      output: new FolderStore({ root: folder('output'), own, prune: true }),
      quarantine: new FolderStore({ root: folder('quarantine'), own, prune: true }),
      staging,
    },
    records: new FolderRecords(folder('ledger')),
    jobs,
    steps,
    runner,
    clock: systemClock,
    log,
    fetch: globalThis.fetch,
    tasks,
    settings: await pipelineSettings(dir, settings),
  };
  return { dir, id, ctx, uploads, jobs, steps, runner, settings, engine, close: () => runner.close() };
}

/** Two processes may open a new home at once: the first one's name is taken. */
async function homeId(dir: string): Promise<string> {
  const store = new FolderStore({ root: dir });
  if (!(await store.head(HOME_FILE))) {
    const fresh = { id: randomBytes(4).toString('hex') };
    try {
      await store.put(HOME_FILE, `${JSON.stringify(fresh)}\n`, { ifNoneMatch: '*' });
    } catch (error) {
      if (!(error instanceof ObjectExistsError)) throw error;
    }
  }
  try {
    return HomeFile.parse(JSON.parse(await text(await store.get(HOME_FILE)))).id;
  } catch (error) {
    throw new BadSettingsError(
      `${join(dir, HOME_FILE)} does not hold a home's id, e.g. {"id":"3f9a1c2b"}: restore it (the names of the home's containers begin longshore-<id>)`,
      { cause: error },
    );
  }
}
const HOME_FILE = 'home.json';

interface HostNeeds extends Omit<HomeOptions, 'engine'> {
  id: string;
  work: string;
  engine: () => Promise<EngineSearch>;
}

function hostsOf({ id, work, log, engine, projectRoot }: HostNeeds): {
  host: () => Promise<ProcessHost>;
  hostOf: (kind: HostKind) => ProcessHost;
} {
  const root = projectRoot ?? fileURLToPath(new URL('../../', import.meta.url));
  const onHost = (whyNoEngine: string): ProcessHost =>
    new PlainHost({ projectRoot: root, homeId: id, work, whyNoEngine, log });
  return {
    host: remembered(async () => {
      const { engine: found, tried } = await engine();
      return found ? new EngineHost(found, id, log) : onHost(tried.join('; '));
    }),
    // Looking, stopping and removing need no more than the engine's name.
    hostOf: (kind) =>
      kind === 'host'
        ? onHost('')
        : new EngineHost(
            { kind, version: '', rootless: false, limits: { memory: true, cpu: true } },
            id,
            log,
          ),
  };
}

/** Asked once; asked again when it failed. */
function remembered<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return async () => {
    answer ??= ask();
    try {
      return await answer;
    } catch (error) {
      answer = undefined;
      throw error;
    }
  };
}
