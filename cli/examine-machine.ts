/** `doctor` on this machine. */
import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { askEngine, findEngine, lastLine, type Engine } from '../lib/local/engine.ts';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { good, missing, warning, type Finding } from './findings.ts';
import { formatBytes } from './format.ts';
import { imageIsCurrent } from './images.ts';
import type { Tasks } from './tasks-folder.ts';

/** Work on a mid-sized extract, its scratch files and two versions of the result. */
const ROOM_BYTES = 5 * 1024 ** 3;

export async function examineMachine(tasks: Tasks, home: string): Promise<Finding[]> {
  const engine = await examineEngine();
  return [
    good('node', `${process.version} (${process.execPath})`),
    ...engine.findings,
    ...(await examineTasks(tasks, engine.engine)),
    ...(await examineHome(home)),
    good('memory', `${formatBytes(totalmem())} on this machine`),
  ];
}

async function examineEngine(): Promise<{ engine?: Engine; findings: Finding[] }> {
  let search: Awaited<ReturnType<typeof findEngine>>;
  try {
    search = await findEngine();
  } catch (error) {
    return { findings: [missing('engine', (error as Error).message, 'start it, or unset LONGSHORE_ENGINE')] };
  }
  const { engine, tried } = search;
  if (!engine)
    return {
      findings: [
        warning(
          'engine',
          `none (${tried.join('; ')})`,
          'bash scripts/setup.sh  installs Podman; without it jobs run on the host, with the tools below',
        ),
      ],
    };
  const settings = process.env.CONTAINERS_CONF ? `, settings from ${process.env.CONTAINERS_CONF}` : '';
  return { engine, findings: [good('engine', `${tried.at(-1)}${settings}`), ...examineLimits(engine)] };
}

function examineLimits({ limits, kind }: Engine): Finding[] {
  const lacking = Object.entries(limits).flatMap(([name, can]) => (can ? [] : [name]));
  if (lacking.length === 0) return [good('limits', `${kind} can limit a container's memory and CPU`)];
  return [
    warning(
      'limits',
      `${kind} cannot limit a container's ${lacking.join(' and ')} here, so a job may take more than its share`,
      'rootless containers need cgroup v2 for it; or run longshore as root',
    ),
  ];
}

async function examineTasks(tasks: Tasks, engine: Engine | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const task of tasks.values()) {
    findings.push(engine ? await examineImage(engine, task) : await examineHostTools(task));
  }
  return findings;
}

async function examineImage(engine: Engine, task: TaskDefinition): Promise<Finding> {
  const what = `image ${task.image}`;
  const todo = `longshore image build ${task.name}`;
  const { exitCode } = await askEngine(engine.kind, ['image', 'inspect', '--format', '{{.Id}}', task.image]);
  if (exitCode !== 0) return missing(what, 'not on this machine', todo);
  if (!(await imageIsCurrent(engine, task)))
    return warning(what, `it was not built from containers/${task.name} as it is now`, todo);
  const start = ['run', '--rm', '--network=none', '--entrypoint=sh', task.image, '-c', ':'];
  const started = await askEngine(engine.kind, start);
  if (started.exitCode !== 0)
    return missing(
      what,
      `no container starts from it: ${lastLine(started.stderr)}`,
      'bash scripts/setup.sh  finds settings that work here',
    );
  return good(what, 'current, and a container starts from it');
}

/** Without an engine the handler runs on this machine itself. */
async function examineHostTools({ name, host }: TaskDefinition): Promise<Finding> {
  const what = `task ${name} on the host`;
  if (!host) return missing(what, 'it runs in a container only', 'bash scripts/setup.sh  installs Podman');
  const lacking: string[] = [];
  for (const [tool, debianPackage] of Object.entries(host.tools))
    if (!(await onPath(tool))) lacking.push(debianPackage);
  if (lacking.length === 0) return good(what, `its tools are there (${Object.keys(host.tools).join(', ')})`);
  return missing(what, `missing: ${lacking.join(', ')}`, `apt-get install ${lacking.join(' ')}`);
}

async function onPath(tool: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      await access(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      // the next folder
    }
  }
  return false;
}

async function examineHome(home: string): Promise<Finding[]> {
  const probe = join(home, `.doctor-${randomUUID()}`);
  try {
    await mkdir(home, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    return [
      missing(
        'home',
        `${home} cannot be written (${(error as NodeJS.ErrnoException).code})`,
        `make ${dirname(home)} writable, or give another folder with --home or LONGSHORE_HOME`,
      ),
    ];
  }
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  if (free >= ROOM_BYTES) return [good('home', `${home}, ${formatBytes(free)} free`)];
  return [
    warning(
      'home',
      `${home} has ${formatBytes(free)} free`,
      `free some space, or give a folder elsewhere with --home`,
    ),
  ];
}
