/** Runs a scenario: the pipeline's own code in simulated Lambdas, against a simulated Fargate, in virtual time. */
import { timeSequence } from '../pipeline/names.ts';
import { keys } from '../pipeline/keys.ts';
import type { Job } from '../pipeline/job.ts';
import type { JobMessage } from '../pipeline/messages.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { buildStack, type Stack } from './stack.ts';
import type { Scenario } from './scenario.ts';

export const SIMULATED_RUN = 'simulated';

/** Jobs that have not ended after so long never will. */
const MOST_DAYS = 60;

export interface Simulated {
  scenario: Scenario;
  stack: Stack;
  /** Milliseconds. */
  startedAt: number;
  jobs: Job[];
}

/** Deterministic: the same scenario, the same world. Throws when the jobs do not end. */
export async function simulate(
  tasks: ReadonlyMap<string, TaskDefinition>,
  scenario: Scenario,
  /** Asked at each step of virtual time, to look at the world as it is then. */
  look: (stack: Stack) => boolean | void = () => {},
): Promise<Simulated> {
  const stack = buildStack(tasks, scenario);
  const startedAt = stack.clock.now();
  void stack.rebuild(messagesOf(scenario, startedAt));
  await stack.clock.run(() => {
    if (stack.clock.now() - startedAt > MOST_DAYS * 86_400_000) {
      throw new Error(`Only ${stack.log.ended} of ${scenario.jobs.length} jobs ended in ${MOST_DAYS} days`);
    }
    return look(stack) === true || (stack.log.ended >= scenario.jobs.length && stack.idle());
  });
  const jobs = [...stack.records.records]
    .filter(([key]) => key.startsWith(keys.jobs))
    .map(([, { value }]) => value as Job);
  return { scenario, stack, startedAt, jobs };
}

/** As a plan has them: in the order in which they go, each with its source as the plan found it. */
function messagesOf({ jobs, order }: Scenario, now: number): JobMessage[] {
  const isByHand = order === 'manifest';
  const inOrder = isByHand ? jobs : jobs.toSorted((a, b) => a.priority - b.priority || b.bytes - a.bytes);
  return inOrder.map(({ task, params, priority, bytes }, turn) => ({
    kind: 'job',
    run: SIMULATED_RUN,
    task,
    params,
    priority,
    sequence: timeSequence(now),
    // Jobs wait largest first: to have them wait in the manifest's order, their sizes are told in that order.
    source: { uri: `sim:${task}/${turn}`, bytes: isByHand ? 1e12 - turn : bytes },
  }));
}
