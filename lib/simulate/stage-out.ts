/** What a task's containers leave behind of one job: an output for each pattern, the attempt record last. */
import { stagingKeys, type AttemptRecord, type StagedFile } from '../pipeline/attempt-record.ts';
import type { ObjectStore } from '../ports.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import type { Ending } from './fargate.ts';

const MIB = 1024 ** 2;
/** Nobody reads the bytes of a simulated output. */
const SHA256 = '0'.repeat(64);

export async function stageOut(
  staging: ObjectStore,
  task: TaskDefinition,
  params: never,
  { member, alone, startedAt, endedAt, outOfMemory, peakMemoryMiB }: Ending,
): Promise<void> {
  const { job, attempt } = member;
  const files: StagedFile[] = [];
  for (const spec of outOfMemory ? [] : task.outputs) {
    for (let number = 1; number <= spec.atLeast(params); number += 1) {
      const name = spec.pattern.replaceAll('*', number === 1 ? 'area' : `area-${number}`);
      const key = stagingKeys.output(job, attempt, name);
      await staging.put(key, name);
      files.push({ name, key, bytes: name.length, sha256: SHA256 });
    }
  }
  const record: AttemptRecord = {
    job,
    attempt,
    ...(alone ? {} : { begunAt: startedAt }),
    exit: {
      exitCode: outOfMemory ? 137 : 0,
      startedAt,
      endedAt,
      peakMemoryBytes: Math.round(peakMemoryMiB * MIB),
      ...(outOfMemory ? { oomKills: 1 } : {}),
    },
    inputs: [],
    files,
  };
  await staging.put(stagingKeys.record(job, attempt), JSON.stringify(record));
}
