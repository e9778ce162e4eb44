/**
 * The plan of a run: which jobs it is made of, what each is expected to take, and why some need not be made. Written beside
 * the results before the first job is accepted, so that a page, a resumed run and the next plan all read the same.
 */
import type { FargateSize } from '../ports.ts';
import type { Params, Source } from './job.ts';

/** Where an estimate comes from: the receipt of the same name, other receipts of the task, or the task file's own rule. */
export type EstimateBasis = 'receipt' | 'similar' | 'size';

export interface PlannedJob {
  task: string;
  params: Params;
  /** 0–9, lower goes first. */
  priority: number;
  /** What it publishes as, below the task: `europe/monaco`. With the task it tells the job in the run. */
  name: string;
  /** Of its source; 0 when that is not known. */
  bytes: number;
  size: FargateSize;
  /** Fargate Spot first. */
  spot: boolean;
  /** Container seconds of one attempt, from image pull to stop. */
  expectedSeconds: number;
  basis: EstimateBasis;
  /** US dollars. */
  costUsd: { onDemand: number; spot: number };
  limits: string[];
  /** Of its seconds: until it has fetched its source and gives back its shares of the limits. Absent: it keeps them to its end. */
  fetchSeconds?: number;
  /** Why it need not be made; absent when it is to be. */
  fresh?: string;
  /** Why it cannot be made: its source does not exist. The job is set aside with this reason. */
  refused?: string;
  /** Why nobody could look at its source: size and time are then those of the last time, or a guess. */
  unreachable?: string;
  /** Its source as it was when planned. */
  source?: Source;
}

export interface Plan {
  planVersion: 1;
  run: string;
  /** The manifest's name. */
  manifest: string;
  /** ISO 8601. */
  createdAt: string;
  maxTasks: number;
  /** Admission stops when what is spent and under way reaches it; in US dollars. */
  maxCostUsd?: number;
  /** In the order in which they go. */
  jobs: PlannedJob[];
  /** Of the jobs that are to be made. */
  totals: {
    jobs: number;
    fresh: number;
    bytes: number;
    /** Container seconds, all together. */
    seconds: number;
    /** From the first launch to the last end, simulated. */
    makespanSeconds: number;
    costUsd: { onDemand: number; spot: number };
    /** Most vCPU at once: the account's quota must allow it. */
    peakVcpu: number;
    /** The named limit for which it takes notably longer, if there is one. */
    heldBy?: string;
  };
  /** What a person should know about the manifest. */
  notes?: string[];
}

/** In the output store: `.runs/<run>/…`. Areas are a GeoJSON FeatureCollection with `properties.task` and `properties.name`. */
export const planKeys = {
  plan: (run: string): string => `.runs/${run}/plan.json`,
  areas: (run: string): string => `.runs/${run}/areas.geojson`,
};
