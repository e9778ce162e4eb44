/** What becomes of each job's containers, by seed: most succeed, some only after all that can happen on Fargate. */
import { createHash } from 'node:crypto';
import { stagingKeys, type AttemptRecord } from '../../../lib/pipeline/attempt-record.ts';
import type { ObjectStore } from '../../../lib/ports.ts';
import type { JumpingClock } from '../../doubles/ecs/clock.ts';
import { between, chance } from '../../doubles/ecs/random.ts';
import type { Part, Play, Script, ScriptedLaunch } from '../../doubles/ecs/hosts/scripted.ts';

/** Attempts of one job that fail so; the one after them succeeds. */
interface Fate {
  name: string;
  share: number;
  attempts: number;
}

/** On Spot only: an interruption. Each is fewer than the pipeline has patience for. */
export const FATES: Fate[] = [
  { name: 'out-of-memory', share: 0.1, attempts: 1 },
  { name: 'out-of-memory-twice', share: 0.05, attempts: 2 },
  { name: 'interrupted', share: 0.1, attempts: 2 },
  { name: 'never-started', share: 0.06, attempts: 1 },
  { name: 'hangs', share: 0.03, attempts: 1 },
  { name: 'stuck', share: 0.02, attempts: 1 },
  { name: 'try-again', share: 0.04, attempts: 1 },
  { name: 'crashes', share: 0.05, attempts: 2 },
  { name: 'dies-without-a-word', share: 0.04, attempts: 1 },
];

export function fateOf(seed: number, job: string): Fate | undefined {
  let left = chance(seed, 'fate', job);
  for (const fate of FATES) {
    if (left < fate.share) return fate;
    left -= fate.share;
  }
  return undefined;
}

export const fates =
  (seed: number, staging: ObjectStore, clock: JumpingClock): Script =>
  (launch) => {
    const [, job = '', text = '1'] = launch.task.startedBy?.split('/') ?? [];
    const attempt = Number(text);
    const fate = fateOf(seed, job);
    const doomed = fate !== undefined && attempt <= fate.attempts ? fate.name : undefined;
    const draw = (what: string, range: [number, number]): number =>
      Math.round(between(range, chance(seed, what, job, attempt)));
    const pullSeconds = draw('pull', [5, 20]);
    const seconds = draw('work', [10, 60]);
    return { pullSeconds, ...play(doomed, { launch, job, attempt, seconds, staging, clock }) };
  };

interface Run {
  launch: ScriptedLaunch;
  job: string;
  attempt: number;
  seconds: number;
  staging: ObjectStore;
  clock: JumpingClock;
}

function play(doomed: string | undefined, run: Run): Play {
  const { launch, seconds } = run;
  switch (doomed) {
    case 'never-started':
      return {
        neverStarts: 'CannotPullContainerError: pull image manifest has been retried 5 time(s): not found',
      };
    case 'stuck':
      return { hangs: true };
    case 'hangs':
      return { containers: { main: { hangs: true, ignoresSigterm: true } } };
    case 'interrupted':
      return launch.spot
        ? { interruptedAfterSeconds: seconds / 2, containers: { main: { seconds } } }
        : { containers: containers(run, { seconds }, 0) };
    case 'out-of-memory':
    case 'out-of-memory-twice':
      return { containers: containers(run, { seconds, outOfMemory: true }, 137) };
    case 'try-again':
      return { containers: containers(run, { seconds, exitCode: 75 }, 75) };
    case 'crashes':
      return { containers: containers(run, { seconds, exitCode: 1 }, 1) };
    case 'dies-without-a-word':
      return { containers: { main: { seconds }, 'stage-out': { exitCode: 137 } } };
    default:
      return { containers: containers(run, { seconds }, 0) };
  }
}

/** stage-in takes two seconds, stage-out leaves what the real one would. */
const containers = (run: Run, main: Part, exitCode: number): Record<string, Part> => ({
  'stage-in': { seconds: 2 },
  main,
  'stage-out': { seconds: 1, work: async () => await run.clock.busy(async () => await leave(run, exitCode)) },
});

async function leave({ job, attempt, seconds, staging }: Run, exitCode: number): Promise<void> {
  const endedAt = Date.now();
  const record: AttemptRecord = {
    job,
    attempt,
    exit: {
      exitCode,
      startedAt: endedAt - seconds * 1000,
      endedAt,
      ...(exitCode === 137 ? { oomKills: 1 } : {}),
    },
    inputs: [],
    files: [],
  };
  if (exitCode === 0) {
    const body = `good: ${job}, attempt ${attempt}`;
    const key = stagingKeys.output(job, attempt, 'out.txt');
    await staging.put(key, body);
    const sha256 = createHash('sha256').update(body).digest('hex');
    record.files.push({ name: 'out.txt', key, bytes: Buffer.byteLength(body), sha256 });
  }
  await staging.put(stagingKeys.record(job, attempt), JSON.stringify(record));
}
