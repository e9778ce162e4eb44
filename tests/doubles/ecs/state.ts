/** What the double knows: clusters, task definitions, tasks, tokens, and the refusals that are still to come. */
import type { EcsError } from './errors.ts';

export interface TaskRecord {
  taskArn: string;
  clusterArn: string;
  taskDefinitionArn: string;
  lastStatus: string;
  desiredStatus: string;
  startedBy: string | undefined;
  capacityProviderName: string | undefined;
  overrides: Record<string, unknown>;
  containers: {
    name: string;
    lastStatus: string;
    exitCode?: number;
    reason?: string;
    imageDigest?: string;
  }[];
  tags: { key: string; value: string }[];
  cpu: string;
  memory: string;
  version: number;
  /** Seconds since the epoch, as the protocol has them. */
  createdAt: number;
  pullStartedAt?: number;
  startedAt?: number;
  stoppedAt?: number;
  stopCode?: string;
  stoppedReason?: string;
}

/** One answer to RunTask out of the ordinary. */
export type Refusal =
  | { error: EcsError }
  /** HTTP 200, no task, and this. */
  | { failures: { arn?: string; reason: string; detail?: string }[] }
  /** The task is started, and the answer never arrives. */
  | { loseAnswer: true };

export interface EcsState {
  region: string;
  account: string;
  clusters: Set<string>;
  /** Family → names of its containers. */
  families: Map<string, string[]>;
  tasks: Map<string, TaskRecord>;
  /** clientToken → what it was used with, and the tasks that it made. */
  tokens: Map<string, { request: string; taskArns: string[] }>;
  refusals: Refusal[];
  /** Every call, in order. */
  calls: { action: string; input: Record<string, unknown> }[];
}

export const newState = (): EcsState => ({
  region: 'us-east-1',
  account: '000000000000',
  clusters: new Set(),
  families: new Map(),
  tasks: new Map(),
  tokens: new Map(),
  refusals: [],
  calls: [],
});

export const arn = ({ region, account }: EcsState, resource: string): string =>
  `arn:aws:ecs:${region}:${account}:${resource}`;

/** Names and ARNs are both taken everywhere. */
export const shortName = (nameOrArn: string): string => nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
