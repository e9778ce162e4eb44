/** `longshore rebuild MANIFEST`: plans all jobs of a manifest, then makes what is not fresh; started again, it goes on. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import type { Plan } from '../../lib/pipeline/plan.ts';
import type { ResolvedManifest } from '../../lib/pipeline/resolve-manifest.ts';
import { status } from '../../lib/pipeline/status.ts';
import { makePlan } from '../../lib/rebuild/make-plan.ts';
import { monthlyRun } from '../../lib/rebuild/run-name.ts';
import { readPlan, startRun } from '../../lib/rebuild/start.ts';
import { isToBeMade } from '../../lib/rebuild/totals.ts';
import { openBackend, type Backend } from '../backend.ts';
import { EXIT } from '../exit-codes.ts';
import { onInterrupt, type Interrupt } from '../interrupt.ts';
import type { Shell } from '../main.ts';
import { openManifest } from '../manifest.ts';
import { positiveInteger, repeated, withBackend, withJson, type CommonOptions } from '../options.ts';
import { planText } from '../plan-text.ts';
import { rebuildResult, resultText, standing } from '../rebuild-result.ts';
import { readSet, runName } from '../run-options.ts';
import { watchRun } from '../run-watch.ts';
import { countsText } from '../running-watch.ts';
import type { Output } from '../streams.ts';
import { readTasks } from '../tasks-folder.ts';

export interface RebuildOptions {
  plan: boolean;
  set: string[];
  run?: string;
  maxCost?: number;
  maxTasks?: number;
  wait: boolean;
}

export function declare(program: Command, { out, exit }: Shell): void {
  const command = program
    .command('rebuild')
    .argument('<manifest>', 'a file, or a name that comes with longshore: world');
  withJson(withBackend(command))
    .description('Make all areas of a manifest that are not fresh; plan first with --plan.')
    .option('--plan', 'only say what would be made, how long it takes and what it costs', false)
    .addOption(
      new Option('--max-cost <usd>', 'budget: nothing more is started that could pass it').argParser(dollars),
    )
    .addOption(new Option('--run <name>', 'name of the run (default: manifest and month)').argParser(runName))
    .option('--set <name=value>', 'a parameter of jobs that do not set it; repeat it for more', repeated, [])
    .addOption(
      new Option('--max-tasks <number>', 'with --plan: as if so many containers ran at once').argParser(
        positiveInteger,
      ),
    )
    .option('--no-wait', 'only start: the jobs are run by AWS, or by `longshore up`')
    .action(async (name: string, options: CommonOptions & RebuildOptions) => {
      const quiet: Output = options.json ? { ...out, live: false, note: () => {}, status: () => {} } : out;
      const tasks = await readTasks();
      const defaults = { params: readSet('the manifest', options.set) };
      const manifest = await openManifest(name, { tasks, defaults });
      const backend = await openBackend(options, out);
      const plan = await planRun(backend.ctx, manifest, options, quiet);
      if (options.plan) {
        out.line(options.json ? JSON.stringify(plan, null, 2) : planText(plan));
        return await noteBegun(backend.ctx, plan.run, quiet);
      }
      exit(await rebuild(backend, { plan, manifest }, options, { out, quiet }));
    });
}

function dollars(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('It must be US dollars, above 0.');
  return value;
}

/** The plan of a run that is begun already is that run's own; what the manifest has more since is added. */
export async function planRun(
  ctx: PipelineContext,
  manifest: ResolvedManifest,
  options: Pick<RebuildOptions, 'run' | 'maxCost' | 'maxTasks' | 'plan'> & Pick<CommonOptions, 'backend'>,
  out: Output,
): Promise<Plan> {
  // The Lambda that starts the same run on a schedule knows UTC alone.
  const timeZone = options.backend === 'aws' ? 'UTC' : undefined;
  const run = options.run ?? monthlyRun(manifest.name, new Date(ctx.clock.now()), timeZone);
  const { maxTasks = ctx.settings.maxTasks } = options.plan ? options : {};
  const planning = { ...ctx, settings: { ...ctx.settings, maxTasks } };
  const plan = await makePlan(planning, {
    run,
    manifest,
    before: await readPlan(ctx, run),
    maxCostUsd: options.maxCost,
    onProgress: (looked, of) => out.status(`looking at the sources: ${looked} of ${of}`),
  });
  out.status();
  return plan;
}

/** A run that goes on has the plan that it was begun with: what is left of it is another matter. */
async function noteBegun(ctx: PipelineContext, run: string, out: Output): Promise<void> {
  const { jobs } = await status(ctx, { run });
  const counts = countsText({ jobs });
  if (counts !== '') out.note(`longshore: ${run} has begun already: ${counts} (longshore status ${run})`);
}

export interface Started {
  plan: Plan;
  manifest: ResolvedManifest;
}

/** Returns the exit code. */
export async function rebuild(
  backend: Backend,
  { plan, manifest }: Started,
  options: Pick<CommonOptions, 'json'> & Pick<RebuildOptions, 'wait'>,
  { out, quiet }: { out: Output; quiet: Output },
): Promise<number> {
  const { ctx } = backend;
  for (const note of plan.notes ?? []) quiet.note(`longshore: ${note}`);
  if (options.wait) await prepare(backend, plan, options.json);
  const interrupt = onInterrupt();
  try {
    const jobs = await startRun(ctx, plan, manifest.areas);
    quiet.note(`${plan.run}: ${standing(jobs)}`);
    if (options.wait) await work(backend, plan.run, jobs, { quiet, interrupt });
    else await ctx.jobs.send([JSON.stringify({ kind: 'wake' })]);
    const result = await rebuildResult(ctx, plan);
    out.line(options.json ? JSON.stringify(result) : resultText(result));
    if (interrupt.signal.aborted) return EXIT.interrupted;
    const { waiting, running, published } = result.jobs;
    const good = published + (options.wait ? 0 : waiting + running) === plan.jobs.length;
    return good ? EXIT.ok : EXIT.failed;
  } finally {
    interrupt.release();
  }
}

async function prepare(backend: Backend, plan: Plan, quiet: boolean): Promise<void> {
  const tasks = new Set(plan.jobs.filter(isToBeMade).map(({ task }) => task));
  await backend.prepare?.([...tasks], { quiet });
}

async function work(
  backend: Backend,
  run: string,
  jobs: Job[],
  { quiet, interrupt }: { quiet: Output; interrupt: Interrupt },
): Promise<void> {
  if (jobs.every(({ endedAt }) => endedAt !== undefined)) return;
  const { ctx, pollMs } = backend;
  const { signal } = interrupt;
  const driver = await backend.drive(run);
  try {
    await Promise.race([driver.failed, watchRun(ctx, run, quiet, { pollMs: Math.max(pollMs, 500), signal })]);
    // A world is not thrown away by a Ctrl-C: what runs goes on, what waits waits.
    if (signal.aborted) quiet.note(leftRunning(run));
  } finally {
    quiet.status();
    await driver.stop();
  }
}

const leftRunning = (run: string): string =>
  `longshore: ${run} is left as it is. The same command goes on with it; longshore cancel ${run}  ends it`;
