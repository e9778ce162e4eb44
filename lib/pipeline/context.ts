/** What every step of the pipeline is given: the ports and the settings. */
import type { TaskDefinition } from '../tasks/define-task.ts';
import type {
  Clock,
  FargateSize,
  Fetch,
  Log,
  ObjectStore,
  Queue,
  RecordStore,
  TaskRunner,
} from '../ports.ts';

export interface PipelineSettings {
  /** Containers that may run at once, over all tasks. */
  maxTasks: number;
  /** Share of a named limit: `{ 'mirror:download.geofabrik.de': 4 }`. A limit that is not named here does not bind. */
  limits: Record<string, number>;
  /** Memory of all running containers together; unbounded on Fargate. */
  memoryMiB?: number;
  /** The largest container that this backend can start: the machine, or Fargate's 16 vCPU / 120 GB. */
  ceiling: FargateSize;
  /** False where there is no Spot (one machine). */
  spotAvailable: boolean;
  /** Seconds after which a validate or publish step that nobody finished is sent again. */
  stepTimeoutSeconds: number;
  /** CPU architecture of the images: chooses the price. */
  architecture: 'x86_64' | 'arm64';
}

export interface Stores {
  uploads: ObjectStore;
  output: ObjectStore;
  quarantine: ObjectStore;
  /** Outputs of attempts that are not published yet, keyed `<job>/<attempt>/…`. */
  staging: ObjectStore;
}

export interface PipelineContext {
  stores: Stores;
  records: RecordStore;
  /** Messages for `handleMessage`: new work, and wake-ups of the dispatcher. */
  jobs: Queue;
  /** Messages for the steps after the container: validate, then publish. */
  steps: Queue;
  runner: TaskRunner;
  clock: Clock;
  log: Log;
  fetch: Fetch;
  tasks: ReadonlyMap<string, TaskDefinition>;
  settings: PipelineSettings;
}
