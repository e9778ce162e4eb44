/** "ECS Task State Change" events: their shape, and how they arrive: late, twice, in another order, or never. */
import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { EventFaults } from './options.ts';
import { between, chance } from './random.ts';
import type { TaskRecord } from './state.ts';

export interface TaskStateChange {
  version: '0';
  id: string;
  'detail-type': 'ECS Task State Change';
  source: 'aws.ecs';
  account: string;
  /** ISO 8601, to the second. */
  time: string;
  region: string;
  resources: string[];
  /** As DescribeTasks has the task, its times in ISO 8601, without tags. */
  detail: Record<string, unknown> & {
    taskArn: string;
    clusterArn: string;
    lastStatus: string;
    desiredStatus: string;
    startedBy?: string;
    version: number;
  };
}

const TIMES = [
  'createdAt',
  'connectivityAt',
  'pullStartedAt',
  'pullStoppedAt',
  'startedAt',
  'stoppingAt',
  'executionStoppedAt',
  'stoppedAt',
] as const;

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

export function eventOf(task: TaskRecord, now: number): TaskStateChange {
  const [, , , region = '', account = ''] = task.taskArn.split(':');
  const { tags: _, ...copy } = structuredClone(task);
  const times = TIMES.flatMap((name) => {
    const moment = copy[name];
    return moment === undefined ? [] : [[name, iso(moment)]];
  });
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'ECS Task State Change',
    source: 'aws.ecs',
    account,
    time: `${new Date(now).toISOString().slice(0, 19)}Z`,
    region,
    resources: [task.taskArn],
    detail: { ...copy, ...(Object.fromEntries(times) as Record<string, string>), updatedAt: iso(now / 1000) },
  };
}

export interface EventPost {
  /** `key` names the task for chance: the same in every run. */
  post(task: TaskRecord, key: string): void;
  counts: { made: number; delivered: number; lost: number; undelivered: number };
  /** All that were posted have arrived, were lost, or were given up. */
  idle(): Promise<void>;
  stop(): void;
}

/** EventBridge tries for 24 hours; the longest wait between two tries is kept short here. */
const TRIES = 50;
const LONGEST_WAIT_MS = 60_000;

export function eventPost({
  sink,
  faults: { copies = 1, lose = 0, lateSeconds = [0, 0] },
  seed,
  clock,
}: {
  sink: ((event: TaskStateChange) => Promise<void>) | undefined;
  faults: EventFaults;
  seed: number;
  clock: Clock;
}): EventPost {
  const underway = new Set<Promise<void>>();
  const counts = { made: 0, delivered: 0, lost: 0, undelivered: 0 };
  const stopping = new AbortController();

  async function deliver(event: TaskStateChange, lateMs: number, tries = 1): Promise<void> {
    await clock.sleep(lateMs);
    if (stopping.signal.aborted || !sink) return;
    try {
      await sink(event);
      counts.delivered += 1;
    } catch (error) {
      if (tries < TRIES) return await deliver(event, Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries), tries + 1);
      counts.undelivered += 1;
      console.error(`An event was given up after ${TRIES} tries: ${String(error)}`);
    }
  }

  return {
    counts,
    post(task, key) {
      const event = eventOf(task, clock.now());
      counts.made += 1;
      const share = typeof lose === 'function' ? lose(event) : lose;
      if (chance(seed, 'lose', key, task.version) < share) {
        counts.lost += 1;
        return;
      }
      for (let copy = 0; copy < copies; copy += 1) {
        const late = between(lateSeconds, chance(seed, 'late', key, task.version, copy));
        const delivery = deliver(structuredClone(event), late * 1000).finally(() =>
          underway.delete(delivery),
        );
        underway.add(delivery);
      }
    },
    async idle() {
      while (underway.size > 0) await Promise.all(underway);
    },
    stop: () => stopping.abort(),
  };
}
