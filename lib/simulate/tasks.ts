/**
 * The tasks with all that plans go by (sizes, expected seconds, deadlines, limits, attempts) and without what would look at
 * real bytes: a check reads once and is content, a metadata writer writes one file.
 */
import { checkParams } from '../tasks/params.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { paramsText } from '../pipeline/job.ts';
import type { VirtualClock } from './clock.ts';
import type { Scenario } from './scenario.ts';

/** A HEAD to the mirror, and a GET of the MD5. */
const LOOK_MS = 250;

/** No two jobs of a manifest publish the same. */
const identity = (task: TaskDefinition, params: Record<string, unknown>): string =>
  `${task.name} ${task.publishAs?.(params) ?? paramsText(params as never)}`;

export function simulatedTasks(
  tasks: ReadonlyMap<string, TaskDefinition>,
  { jobs, order }: Scenario,
  clock: VirtualClock,
): ReadonlyMap<string, TaskDefinition> {
  const known = new Map<string, { bytes: number; turn: number }>();
  for (const [turn, job] of jobs.entries()) {
    const task = tasks.get(job.task)!;
    const checked = checkParams(task, job.params);
    if (!checked.ok)
      throw new Error(`The parameters of job ${turn + 1} are not valid: ${checked.faults.join('; ')}`);
    known.set(identity(task, checked.params), { bytes: job.bytes, turn });
  }
  const bytesOf = (task: TaskDefinition, params: Record<string, unknown>): number =>
    known.get(identity(task, params))?.bytes ?? 0;
  return new Map(
    [...tasks.values()].map((task) => {
      const withBytes =
        <R>(rule: (work: { bytes: number; params: never }) => R) =>
        ({ params }: { params: Record<string, unknown> }): R =>
          rule({ bytes: bytesOf(task, params), params: params as never });
      const simulated: TaskDefinition = {
        ...task,
        size: withBytes((work) => task.size(work)),
        deadlineSeconds: withBytes((work) => task.deadlineSeconds(work)),
        expectedSeconds: withBytes((work) => task.expectedSeconds(work)),
        source: async (params) => {
          await clock.sleep(LOOK_MS);
          const { bytes = 0, turn = 0 } = known.get(identity(task, params)) ?? {};
          // Jobs wait largest first: to have them wait in the manifest's order, their sizes are told in that order.
          return {
            uri: `sim:${identity(task, params)}`,
            bytes: order === 'manifest' ? 1e12 - turn : bytes,
          };
        },
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
