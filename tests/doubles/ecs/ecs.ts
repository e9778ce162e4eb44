/** What every action works with. */
import type { Clock } from './clock.ts';
import type { EventPost } from './events.ts';
import type { Host } from './hosts/host.ts';
import type { EcsOptions } from './options.ts';
import type { Limits } from './quotas.ts';
import type { EcsState } from './state.ts';

export interface Ecs {
  state: EcsState;
  clock: Clock;
  seed: number;
  events: EventPost;
  limits: Limits;
  options: EcsOptions;
  /** Absent: tasks stay where a test puts them. */
  host?: Host;
}
