/** What the double knows: clusters, task definitions, tasks, tokens, and the refusals that are still to come. */
import type { ContainerDefinition, RegisterTaskDefinitionRequest, TaskOverride } from '@aws-sdk/client-ecs';
import type { Life } from './life.ts';
import type { Refusal } from './refusals.ts';

export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

export interface ContainerRecord {
  containerArn?: string;
  taskArn?: string;
  name: string;
  image?: string;
  imageDigest?: string;
  runtimeId?: string;
  lastStatus: string;
  exitCode?: number;
  reason?: string;
  healthStatus?: string;
  networkInterfaces?: { attachmentId: string; privateIpv4Address: string }[];
  cpu?: string;
}

/** As DescribeTasks has it. Times are seconds since the epoch, as the protocol has them. */
export interface TaskRecord {
  taskArn: string;
  clusterArn: string;
  taskDefinitionArn: string;
  lastStatus: TaskStatus;
  desiredStatus: 'RUNNING' | 'STOPPED';
  startedBy?: string;
  group: string;
  launchType: 'FARGATE';
  platformVersion: string;
  platformFamily: 'Linux';
  availabilityZone: string;
  capacityProviderName?: string;
  connectivity: 'CONNECTED';
  enableExecuteCommand: boolean;
  attachments: { id: string; type: string; status: string; details: { name: string; value: string }[] }[];
  overrides: TaskOverride;
  containers: ContainerRecord[];
  tags: { key: string; value: string }[];
  cpu: string;
  memory: string;
  ephemeralStorage: { sizeInGiB: number };
  version: number;
  createdAt: number;
  connectivityAt?: number;
  pullStartedAt?: number;
  pullStoppedAt?: number;
  startedAt?: number;
  stoppingAt?: number;
  executionStoppedAt?: number;
  stoppedAt?: number;
  stopCode?: string;
  stoppedReason?: string;
}

export interface DefinitionRecord extends RegisterTaskDefinitionRequest {
  family: string;
  containerDefinitions: (ContainerDefinition & { name: string; image: string; essential: boolean })[];
  taskDefinitionArn: string;
  revision: number;
  status: 'ACTIVE' | 'INACTIVE';
  /** Seconds since the epoch. */
  registeredAt: number;
}

export interface EcsState {
  region: string;
  account: string;
  clusters: Set<string>;
  /** Family → its revisions, the first at 0. */
  definitions: Map<string, DefinitionRecord[]>;
  tasks: Map<string, TaskRecord>;
  /** Task ARN → the life that it leads; absent where a test moves the task on by hand. */
  lives: Map<string, Life>;
  /** clientToken → what it was used with, and the tasks that it made. */
  tokens: Map<string, { request: string; taskArns: string[]; at: number }>;
  refusals: Refusal[];
  /** Every call, in order. */
  calls: { action: string; input: Record<string, unknown> }[];
  /** Tasks that have not stopped: now, and the most that there were at once. */
  held: { now: number; most: number };
}

export const newState = ({ region = 'us-east-1', account = '000000000000' } = {}): EcsState => ({
  region,
  account,
  clusters: new Set(),
  definitions: new Map(),
  tasks: new Map(),
  lives: new Map(),
  tokens: new Map(),
  refusals: [],
  calls: [],
  held: { now: 0, most: 0 },
});

export const arn = ({ region, account }: EcsState, resource: string): string =>
  `arn:aws:ecs:${region}:${account}:${resource}`;

/** Names and ARNs are both taken everywhere. */
export const shortName = (nameOrArn: string): string => nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
