/**
 * The tasks with all that plans go by (sizes, expected seconds, deadlines, limits, attempts) and without what would look at
 * real bytes: a check reads once and is content, a metadata writer writes one file.
 */
import { checkParams } from '../tasks/params.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { paramsText } from '../pipeline/job.ts';
import type { Scenario } from './scenario.ts';

/** No two jobs of a manifest publish the same. */
const identity = (task: TaskDefinition, params: Record<string, unknown>): string =>
  `${task.name} ${task.publishAs?.(params) ?? paramsText(params as never)}`;

export function simulatedTasks(
  tasks: ReadonlyMap<string, TaskDefinition>,
  { jobs }: Scenario,
): ReadonlyMap<string, TaskDefinition> {
  const known = new Map<string, number>();
  for (const [at, job] of jobs.entries()) {
    const task = tasks.get(job.task)!;
    const checked = checkParams(task, job.params);
    if (!checked.ok)
      throw new Error(`The parameters of job ${at + 1} are not valid: ${checked.faults.join('; ')}`);
    known.set(identity(task, checked.params), job.bytes);
  }
  const bytesOf = (task: TaskDefinition, params: Record<string, unknown>): number =>
    known.get(identity(task, params)) ?? 0;
  return new Map(
    [...tasks.values()].map((task) => {
      const withBytes =
        <R>(rule: (work: { bytes: number; params: never }) => R) =>
        ({ params }: { params: Record<string, unknown> }): R =>
          rule({ bytes: bytesOf(task, params), params: params as never });
      const { fetch } = task;
      const simulated: TaskDefinition = {
        ...task,
        size: withBytes((work) => task.size(work)),
        deadlineSeconds: withBytes((work) => task.deadlineSeconds(work)),
        expectedSeconds: withBytes((work) => task.expectedSeconds(work)),
        ...(fetch && {
          fetch: { ...fetch, expectedSeconds: withBytes((work) => fetch.expectedSeconds(work)) },
        }),
        // The plan tells each job its source (`messagesOf` in simulate.ts).
        source: async () => undefined,
        outputs: task.outputs.map((output) => ({
          ...output,
          checks: output.checks.map(({ name }) => ({
            name,
            run: async (file, { read }) => {
              await read(file, 0, 63);
              return { check: name, file: file.name, ok: true, detail: 'simulated' };
            },
          })),
        })),
        metadata: task.metadata.map((_, at) => async () => [
          { name: `metadata-${at + 1}.json`, contentType: 'application/json', body: '{}' },
        ]),
      };
      return [task.name, simulated];
    }),
  );
}
