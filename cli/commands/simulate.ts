/** `longshore simulate MANIFEST`: the run as it would go on AWS, in virtual time, without an account or a network. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { BaseEnvironment, readEnvironment } from '../../lib/aws/environment.ts';
import { reportOf } from '../../lib/simulate/report.ts';
import { USUAL_CHANCES, type Scenario } from '../../lib/simulate/scenario.ts';
import { simulate } from '../../lib/simulate/simulate.ts';
import { UsageError } from '../errors.ts';
import type { Shell } from '../main.ts';
import { positiveInteger, withJson } from '../options.ts';
import { readSimulatedJobs } from '../simulated-jobs.ts';
import { simulationText } from '../simulation-text.ts';
import { readTasks } from '../tasks-folder.ts';

export interface SimulateOptions {
  json: boolean;
  maxTasks?: number;
  areas?: number;
  seed: number;
  spot?: boolean;
  onDemand?: boolean;
  spotLoss: number;
  quotaVcpu?: number;
  mirrorLimit?: number;
}

/** `maxTasks` of serverless.yml, where neither the option nor the environment says another. */
const MAX_TASKS = 50;

export function declare(program: Command, { out, exit }: Shell): void {
  withJson(program.command('simulate').argument('<manifest>', 'the manifest, or world for the shipped one'))
    .description('Run a manifest in virtual time: how long it takes, what it costs, what it asks of AWS.')
    .option('--max-tasks <n>', `containers at once (LONGSHORE_MAX_TASKS, else ${MAX_TASKS})`, positiveInteger)
    .option('--areas <n>', 'cut the world into so many areas, or take only the largest', areaCount)
    .option('--seed <n>', 'another seed is another world’s luck', wholeNumber, 1)
    .addOption(
      new Option('--spot', 'first attempts on Fargate Spot (LONGSHORE_SPOT, else so)').conflicts('onDemand'),
    )
    .option('--on-demand', 'nothing on Spot')
    .option(
      '--spot-loss <rate>',
      'Spot tasks lost for each hour that they run',
      rate,
      USUAL_CHANCES.spotLossesPerHour,
    )
    .option(
      '--quota-vcpu <n>',
      'vCPU quota of the account, of Fargate and of Fargate Spot each',
      positiveInteger,
    )
    .option(
      '--mirror-limit <n>',
      'containers at once that download from one mirror (LONGSHORE_LIMITS, else any number)',
      positiveInteger,
    )
    .action(async (manifest: string, options: SimulateOptions) => {
      const tasks = await readTasks();
      const read = await readSimulatedJobs(manifest, tasks, options);
      const { quotaVcpu = Infinity } = options;
      if (quotaVcpu < read.mostVcpu)
        throw new UsageError(
          `A quota of ${quotaVcpu} vCPU holds no job of ${read.mostVcpu}: it would wait for ever; give --quota-vcpu ${read.mostVcpu} or more`,
        );
      const scenario = scenarioOf(read, options, process.env);
      const report = reportOf(await simulate(tasks, scenario));
      const { jobs: _, ...settings } = scenario;
      const { name, sizes } = read;
      out.line(
        options.json
          ? JSON.stringify({ manifest: name, sizes, ...settings, ...report }, null, 2)
          : simulationText(read, scenario, report),
      );
      exit(report.states.published === report.jobs ? 0 : 1);
    });
}

/** What the stack is set to, as the same variables say that set the stack; options go before them. */
export function scenarioOf(
  { jobs, mirrors }: Awaited<ReturnType<typeof readSimulatedJobs>>,
  options: SimulateOptions,
  env: Record<string, string | undefined>,
): Scenario {
  const set = readEnvironment(Settings, env);
  const limits =
    options.mirrorLimit === undefined
      ? (set.LONGSHORE_LIMITS ?? {})
      : Object.fromEntries(mirrors.map((mirror) => [mirror, options.mirrorLimit!]));
  return {
    jobs,
    seed: options.seed,
    settings: {
      maxTasks: options.maxTasks ?? set.LONGSHORE_MAX_TASKS ?? MAX_TASKS,
      limits,
      architecture: set.LONGSHORE_ARCHITECTURE ?? 'x86_64',
    },
    spot: options.spot ?? (options.onDemand ? false : (set.LONGSHORE_SPOT ?? true)),
    quotaVcpu: options.quotaVcpu ?? Number.POSITIVE_INFINITY,
    chances: { ...USUAL_CHANCES, spotLossesPerHour: options.spotLoss },
    order: 'largest-first',
  };
}

const Settings = BaseEnvironment.pick({
  LONGSHORE_MAX_TASKS: true,
  LONGSHORE_LIMITS: true,
  LONGSHORE_SPOT: true,
  LONGSHORE_ARCHITECTURE: true,
}).partial();

/** Each is a job with its records and messages, all in memory. */
const MOST_AREAS = 100_000;

function areaCount(text: string): number {
  const value = positiveInteger(text);
  if (value > MOST_AREAS) throw new InvalidArgumentError(`It must be at most ${MOST_AREAS}.`);
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

function rate(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 60))
    throw new InvalidArgumentError('It must be a number, 0 to 60.');
  return value;
}
