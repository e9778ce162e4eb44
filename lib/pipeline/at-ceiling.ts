/** When all the memory that a task may have was not enough: the parameters that its file has for that. */
import type { TaskDefinition } from '../tasks/define-task.ts';
import { checkParams } from '../tasks/params.ts';
import type { FargateSize } from '../ports.ts';
import { sameMaking } from './fresh.ts';
import type { Params } from './job.ts';
import type { Receipt } from './receipt.ts';

/** `undefined`: it has none. Throws when they are none of the task's own. */
export function withLessMemory(
  task: TaskDefinition,
  given: Params,
): { given: Params; params: Params } | undefined {
  const before = checkParams(task, given);
  const changes = before.ok ? task.atCeiling?.(before.params) : undefined;
  if (!changes) return undefined;
  const checked = checkParams(task, { ...given, ...changes });
  if (!checked.ok) throw new Error(`tasks/${task.name}/task.ts: atCeiling: ${checked.faults.join('; ')}`);
  return { given: checked.given, params: checked.params as Params };
}

/** Whether the last result under the name could be made with less memory only: the largest size is no larger since. */
export function neededLessMemory(receipt: Receipt | undefined, given: Params, ceiling: FargateSize): boolean {
  const last = receipt?.attempts.at(-1);
  return (
    receipt?.paramsAsked !== undefined &&
    sameMaking(receipt, given) &&
    (last?.size.memoryMiB ?? 0) >= ceiling.memoryMiB
  );
}
