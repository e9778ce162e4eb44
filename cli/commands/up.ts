/** `longshore up`: the pipeline on this machine, until told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { messageOf } from '../../lib/local/errors.ts';
import { keepSchedules, startSchedules } from '../../lib/local/schedules.ts';
import { serve } from '../../lib/local/serve.ts';
import type { Log } from '../../lib/ports.ts';
import { onlyLocal } from '../backend.ts';
import { eventLog } from '../event-log.ts';
import { EXIT } from '../exit-codes.ts';
import { isIdle } from '../idle.ts';
import { onInterrupt } from '../interrupt.ts';
import { buildMissingImages } from '../missing-images.ts';
import { memoryIn, openLocalHome } from '../local-backend.ts';
import type { Shell } from '../main.ts';
import { withBackend, withJson, type CommonOptions } from '../options.ts';
import { pauseAfter } from '../pace.ts';
import { RunningWatch } from '../running-watch.ts';
import type { Output } from '../streams.ts';

/** Between two looks for the live line. */
const LOOK_MS = 500;

export interface UpOptions {
  home: string;
  json: boolean;
  untilIdle: boolean;
}

export function declare(program: Command, { out, exit }: Shell): void {
  withJson(withBackend(program.command('up')))
    .description('Process what is dropped and what waits, until Ctrl-C.')
    .option('--until-idle', 'end when nothing waits or runs any more', false)
    .action(async (options: CommonOptions & UpOptions) => {
      onlyLocal('up', options, 'on AWS the deployed stack takes what is dropped');
      const interrupt = onInterrupt();
      await up(options, out, interrupt.signal);
      interrupt.release();
      // Without it there is no end to come before.
      if (options.untilIdle && interrupt.signal.aborted) exit(EXIT.interrupted);
    });
}

/** Resolves when it has stopped: at the signal, or idle. What was begun is finished first; containers run on. */
export async function up(options: UpOptions, out: Output, signal: AbortSignal): Promise<void> {
  const home = await openLocalHome(options.home, eventLog(out, options.json));
  const { engine, tried } = await home.engine();
  if (!options.json) {
    const where = engine
      ? `${engine.kind} ${engine.version}`
      : `no container engine (${tried.join('; ')}): on the host`;
    out.note(`longshore up in ${home.dir}, with ${where}; drop files in ${home.uploads.root}/<task>/`);
  }
  await buildMissingImages(engine, home.ctx.tasks.values(), out, { quiet: options.json });
  const stop = new AbortController();
  // What was due while the machine was off comes before the first look at whether there is anything to do.
  if (options.untilIdle) await startSchedules(home);
  const scheduling = keepSchedules(home, stop.signal);
  const watching =
    out.live && !options.json
      ? watch(new RunningWatch(home.ctx, out, memoryIn(home)), home.ctx.log, stop.signal)
      : undefined;
  try {
    const until = options.untilIdle ? { until: async () => await isIdle(home) } : {};
    await serve(home, { signal, ...until });
  } finally {
    stop.abort();
    await Promise.all([watching, scheduling]);
    out.status();
    home.close();
  }
}

/** What cannot be shown is told, once for each reason, and stops nothing of the work. */
export async function watch(
  running: Pick<RunningWatch, 'look'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    const begin = performance.now();
    try {
      await running.look();
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== told) log.warn('Jobs:Show:Failed', { reason });
      told = reason;
    }
    // Cut short at the end, which is no error.
    await sleep(pauseAfter(begin, LOOK_MS), undefined, { signal }).catch(() => {});
  }
}
