/** Looks at the sources of many jobs, gently: mirrors are run by volunteers. */
import { mapLimit } from '../pipeline/concurrency.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { Source } from '../pipeline/job.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { BusySourceError, UnknownSourceError } from '../tasks/define-task.ts';

export interface Sought {
  task: TaskDefinition;
  /** With the defaults. */
  params: Record<string, unknown>;
  /** Named limits: a limit's share is also how many requests go to it at once. */
  limits: string[];
}

export type Look =
  | { found: Source | undefined }
  /** There is no such source: the job will be refused. */
  | { refused: string }
  /** Nobody knows now: the container will try. */
  | { unreachable: string };

/** Where no limit is set. */
const REQUESTS_AT_ONCE = 4;
/** After so many failures in a row a mirror is down: the rest is not asked, or 500 time-outs would take 40 minutes. */
const GIVE_UP_AFTER = 20;
const TRIES = 2;
/** What a busy server refuses is there: it is asked more often. */
const TRIES_WHEN_BUSY = 4;
const PAUSE_SECONDS = 1;
/** Of what a server asks for with `Retry-After`: a plan is waited for. */
const LONGEST_PAUSE_SECONDS = 30;

/** Answers in the order of the questions. `each` is called after each answer. */
export async function lookAtAll(
  ctx: Pick<PipelineContext, 'settings' | 'fetch' | 'clock'>,
  all: Sought[],
  each: (answered: number) => void = () => {},
): Promise<Look[]> {
  const looks: Look[] = [];
  let answered = 0;
  const groups = Map.groupBy(all.keys(), (at) => all[at]!.limits.join(' '));
  await Promise.all(
    [...groups.values()].map(async (places) => {
      const { limits } = all[places[0]!]!;
      const shares = limits.flatMap((limit) => ctx.settings.limits[limit] ?? []);
      let failures = 0;
      await mapLimit(places, Math.min(REQUESTS_AT_ONCE, ...shares), async (at) => {
        const look =
          failures >= GIVE_UP_AFTER ? { unreachable: notAsked(limits) } : await lookAt(ctx, all[at]!);
        failures = 'unreachable' in look ? failures + 1 : 0;
        looks[at] = look;
        answered += 1;
        each(answered);
      });
    }),
  );
  return looks;
}

const notAsked = (limits: string[]): string =>
  `not asked: the last ${GIVE_UP_AFTER} questions to ${limits.join(', ') || 'its server'} failed`;

async function lookAt(
  ctx: Pick<PipelineContext, 'fetch' | 'clock'>,
  { task, params }: Sought,
): Promise<Look> {
  for (let tries = 1; ; tries += 1) {
    try {
      return { found: await task.source?.(params, ctx.fetch) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof UnknownSourceError) return { refused: reason };
      const most = error instanceof BusySourceError ? TRIES_WHEN_BUSY : TRIES;
      if (tries >= most) return { unreachable: reason };
      await ctx.clock.sleep(pauseAfter(error) * 1000);
    }
  }
}

function pauseAfter(error: unknown): number {
  const asked = error instanceof BusySourceError ? error.seconds : NaN;
  return asked > 0 ? Math.min(asked, LONGEST_PAUSE_SECONDS) : PAUSE_SECONDS;
}
