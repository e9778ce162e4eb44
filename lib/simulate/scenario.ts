/** What is simulated: the settings of a stack, the account it runs in, and how kind the world is to it. */
import type { PipelineSettings } from '../pipeline/context.ts';
import type { Params } from '../pipeline/job.ts';

/** A job of a manifest whose input size is known, or made up. */
export interface SimulatedJob {
  task: string;
  params: Params;
  priority: number;
  bytes: number;
}

/** Rates are shares from 0 to 1; times are seconds. */
export interface Chances {
  /** Spot tasks lost for each hour that they run. */
  spotLossesPerHour: number;
  /** Containers that ECS stops before they start (an image pull that failed, an interface that never came). */
  neverStarted: number;
  /** STOPPED events that come twice, and that never come. */
  eventTwice: number;
  eventLost: number;
  /** RunTask answered "no capacity" though there was quota. */
  noCapacity: number;
  /** Spread of the logarithm of the run time around what the task file expects. */
  runTimeSigma: number;
  /** Median memory that a job needs, as a share of the size it is given; and its spread. */
  memoryShare: number;
  memorySigma: number;
}

export const USUAL_CHANCES: Chances = {
  spotLossesPerHour: 0.03,
  neverStarted: 0.002,
  eventTwice: 0.01,
  eventLost: 0.001,
  noCapacity: 0.001,
  runTimeSigma: 0.15,
  memoryShare: 0.55,
  memorySigma: 0.25,
};

/** Nothing goes wrong but that run times differ from what was expected. */
export const KIND_CHANCES: Chances = {
  ...USUAL_CHANCES,
  spotLossesPerHour: 0,
  neverStarted: 0,
  eventTwice: 0,
  eventLost: 0,
  noCapacity: 0,
  memorySigma: 0.1,
};

export interface Scenario {
  jobs: SimulatedJob[];
  seed: number;
  settings: Pick<PipelineSettings, 'maxTasks' | 'limits' | 'architecture'>;
  spot: boolean;
  /** The account’s quotas of vCPU in use at once, of Fargate and of Fargate Spot each; Infinity where none is to bind. */
  quotaVcpu: number;
  chances: Chances;
  /** `manifest`: first come, first served, to compare with. */
  order: 'largest-first' | 'manifest';
}
