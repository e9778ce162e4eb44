/** The stack of serverless.yml, wired as there: what calls which function, and how many at once. */
import type { PipelineContext } from '../pipeline/context.ts';
import type { JobMessage } from '../pipeline/messages.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { dispatchHandler, rebuildHandler, settleHandler, stepsHandler, sweepHandler } from './handlers.ts';
import { SimulatedLambda } from './lambda.ts';
import { buildParts, contextOf, type Parts } from './parts.ts';
import type { Scenario } from './scenario.ts';

export const FUNCTIONS = ['rebuild', 'dispatch', 'settle', 'validate', 'metadata', 'sweep'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];
type Functions = Record<FunctionName, { lambda: SimulatedLambda; ctx: PipelineContext }>;

const SWEEP_MS = 60_000;
/** `visibilityTimeout` of resources/queues.yml. */
const JOBS_VISIBILITY_SECONDS = 180;
const STEPS_VISIBILITY_SECONDS = 1080;

export interface Stack extends Omit<Parts, 'scenario'> {
  functions: Record<FunctionName, SimulatedLambda>;
  /** What the code of a function, or of a person's command, is given. */
  context: (caller: string) => PipelineContext;
  /** Accepts the jobs of a plan, as the rebuild function does once it has made the plan. */
  rebuild: (messages: JobMessage[]) => Promise<void>;
  /** Nothing is under way any more. */
  idle: () => boolean;
}

export function buildStack(definitions: ReadonlyMap<string, TaskDefinition>, scenario: Scenario): Stack {
  const parts = buildParts(definitions, scenario, (state, { eventDelay, eventComes }) => {
    for (let times = 1; times <= eventComes; times += 1) {
      const at = parts.clock.now() + eventDelay * 1000 * times;
      parts.clock.at(at, () => void settleHandler(functions.settle, state));
    }
  });
  const functions = Object.fromEntries(
    FUNCTIONS.map((name) => [
      name,
      { lambda: new SimulatedLambda(parts.clock, parts.meter, name), ctx: contextOf(parts, name) },
    ]),
  ) as Functions;
  subscribe(parts.queues, functions);
  sweepEachMinute(parts, functions);
  const lambdas = Object.values(functions).map(({ lambda }) => lambda);
  return {
    ...parts,
    functions: Object.fromEntries(lambdas.map((lambda) => [lambda.name, lambda])) as Stack['functions'],
    context: (caller) => contextOf(parts, caller),
    rebuild: async (messages) => await rebuildHandler(functions.rebuild, messages),
    idle: () =>
      lambdas.every(({ running }) => running === 0) &&
      Object.values(parts.queues).every(({ held }) => held === 0),
  };
}

/** As the `events` of the functions say. */
function subscribe(queues: Parts['queues'], functions: Functions): void {
  const handle = dispatchHandler(functions.dispatch);
  const visibilitySeconds = JOBS_VISIBILITY_SECONDS;
  queues.jobs.subscribe({
    batchSize: 10,
    windowSeconds: 0,
    maximumConcurrency: 10,
    visibilitySeconds,
    handle,
  });
  queues.wake.subscribe({
    batchSize: 100,
    windowSeconds: 1,
    maximumConcurrency: 4,
    visibilitySeconds,
    handle,
  });
  for (const name of ['validate', 'metadata'] as const) {
    queues[name].subscribe({
      batchSize: 1,
      windowSeconds: 0,
      maximumConcurrency: 20,
      visibilitySeconds: STEPS_VISIBILITY_SECONDS,
      handle: stepsHandler(functions[name]),
    });
  }
}

function sweepEachMinute(parts: Parts, functions: Functions): void {
  parts.clock.at(parts.clock.now() + SWEEP_MS, () => {
    sweepEachMinute(parts, functions);
    void sweepHandler(functions.sweep);
  });
}
