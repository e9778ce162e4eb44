/** What can be asked of the double when it is started. */
import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import type { Clock } from './clock.ts';
import type { TaskStateChange } from './events.ts';
import type { EngineOptions } from './hosts/engine-options.ts';
import type { Script } from './hosts/scripted.ts';
import type { Refusal, RefusalName } from './refusals.ts';

/** What AWS allows. An option that is absent is AWS's own number. */
export interface Quotas {
  /** RunTask calls: 20 at once, refilled by 20 a second. */
  callsPerSecond?: number;
  /** Fargate's launches: a bucket of 100 … */
  launchBurst?: number;
  /** … refilled by 20 a second. */
  launchesPerSecond?: number;
  /** vCPUs that on-demand tasks may have together, and those on Spot: no limit. */
  vcpus?: number;
  spotVcpus?: number;
  /** Tasks that Spot has room for: no limit. */
  spotTasks?: number;
}

/** What may go wrong with events. All of it by seed: the same seed, the same faults. */
export interface EventFaults {
  /** How often each event comes: 1. */
  copies?: number;
  /** The share that never comes (0 to 1), of all events or of such an event: 0. */
  lose?: number | ((event: TaskStateChange) => number);
  /** Each copy is so many seconds late, from … to …: [0, 0]. More than lies between two changes is another order. */
  lateSeconds?: [number, number];
}

export interface EcsOptions {
  /** Default: one that is free. */
  port?: number;
  region?: string;
  account?: string;
  /** Names. */
  clusters?: string[];
  /** As RegisterTaskDefinition takes them. */
  taskDefinitions?: RegisterTaskDefinitionRequest[];
  /**
   * What tasks are made of: `engine`: real containers, by Docker or Podman; a script, which says what each container does;
   * `manual` (the default): nothing: tasks stay where they are, and a test moves them on with `change`.
   */
  containers?: 'engine' | 'manual' | Script;
  /** For `containers: 'engine'`. */
  engine?: EngineOptions;
  /** Takes each event. What it throws is tried again, as EventBridge does. Default: nobody listens. */
  eventSink?: (event: TaskStateChange) => Promise<void>;
  events?: EventFaults;
  quotas?: Quotas;
  /**
   * The share of RunTask calls that are refused (0 to 1), and with what, by seed; `nth`: how often a call with this
   * clientToken was made before.
   */
  refusals?: { share: number | ((nth: number) => number); of: (RefusalName | Refusal)[] };
  /** For every chance that is taken. Default: 1. */
  seed?: number;
  clock?: Clock;
  /** Seconds that a task is PROVISIONING, and DEPROVISIONING: 0.1 each. */
  provisionSeconds?: number;
  deprovisionSeconds?: number;
}
