/** What can be asked of real containers. */
import type { TaskRecord } from '../state.ts';
import type { EngineKind } from './engine-command.ts';

export interface LogLine {
  task: TaskRecord;
  container: string;
  stream: 'stdout' | 'stderr';
  line: string;
}

export interface EngineOptions {
  /** Default: $LONGSHORE_ENGINE, or Docker if its daemon answers, else Podman. */
  kind?: EngineKind;
  /** What every container has besides, and before, its definition's and RunTask's own: endpoints, credentials. */
  environment?: Record<string, string>;
  /** From a definition's image to one on this machine. Default: the same. */
  image?: (image: string) => string;
  /** Whether images that are not on this machine are fetched. Default: no, they are CannotPullContainerError. */
  pull?: boolean;
  /** The engine's network: `host`, so that what listens on 127.0.0.1 is there for the containers too. */
  network?: string;
  /** Where containers reach the double, for the task metadata endpoint. Default on the host's network: the double's endpoint. */
  endpoint?: string;
  /** Each line that a container prints. */
  onLog?: (line: LogLine) => void;
  /** Keeps containers and volumes for a look at them. */
  keep?: boolean;
  /** The share of tasks on Spot (0 to 1, by seed) that are interrupted, so many seconds after the pull. */
  interrupt?: { share: number; afterSeconds: [number, number] };
}

/** With what the double itself adds. */
export interface EngineHostSettings {
  options: EngineOptions;
  seed: number;
  region: string;
  sleep: (ms: number) => Promise<void>;
  endpoint: string;
}
