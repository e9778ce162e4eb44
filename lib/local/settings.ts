/** `longshore.json` in the home folder: what this machine may do. */
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { PipelineSettings } from '../pipeline/context.ts';
import { scheduleFault, type Schedule } from '../rebuild/schedule.ts';
import { hasCode, messageOf } from './errors.ts';

/** When `longshore up` starts the rebuild of a manifest: `{ "manifest": "world", "cron": "0 3 1 * *" }`. */
const ScheduleSetting = z
  .strictObject({
    /** A name that comes with longshore, or a path from the home folder. */
    manifest: z.string().min(1),
    cron: z.string().min(1),
    /** IANA name, e.g. `Europe/Berlin`; this machine's without it. */
    timezone: z.string().min(1).exactOptional(),
    /** Budget of each run, in US dollars. */
    maxCostUsd: z.number().positive().exactOptional(),
  })
  .superRefine((schedule: Schedule, context) => {
    const fault = scheduleFault(schedule);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['cron'], message: fault });
  });

export const LocalSettings = z.strictObject({
  /** Jobs that run at once. */
  maxTasks: z.int().min(1).max(1000).exactOptional(),
  /** Memory of all running jobs together, in MiB. */
  memoryMiB: z.int().min(256).exactOptional(),
  /** Shares of named limits, e.g. `{ "mirror:download.geofabrik.de": 4 }`. */
  limits: z.record(z.string(), z.int().min(1)).exactOptional(),
  /** How long a dropped file must have stood still before it is taken, in seconds. */
  quietSeconds: z.number().min(0.1).max(3600).exactOptional(),
  /** Runs that `longshore up` starts by itself. */
  schedules: z.array(ScheduleSetting).exactOptional(),
});
export type LocalSettings = z.infer<typeof LocalSettings>;

export const SETTINGS_FILE = 'longshore.json';

export class BadSettingsError extends Error {
  override name = 'BadSettingsError';
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Left to the system, to longshore, and to the page cache that makes reading inputs quick. */
const MEMORY_SHARE = 0.8;
/** A step that took longer than this is thought to have died with its process. */
const STEP_TIMEOUT_SECONDS = 300;

/** Throws {@link BadSettingsError}: a setting that cannot be understood is never replaced by a default. */
export async function readSettings(home: string): Promise<LocalSettings> {
  const path = join(home, SETTINGS_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return {};
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadSettingsError(`${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  return checkSettings(value, path);
}

export function checkSettings(value: unknown, where: string): LocalSettings {
  const parsed = LocalSettings.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`,
  );
  throw new BadSettingsError(`${where} cannot be used: ${faults.join('; ')}`);
}

export async function pipelineSettings(home: string, settings: LocalSettings): Promise<PipelineSettings> {
  const cores = availableParallelism();
  const memoryMiB = settings.memoryMiB ?? Math.floor((totalmem() / MIB) * MEMORY_SHARE);
  const disk = await statfs(home);
  return {
    // The tools of most tasks use two threads; with more jobs than that, each is slower and none is done sooner.
    maxTasks: settings.maxTasks ?? Math.max(1, Math.floor(cores / 2)),
    limits: settings.limits ?? {},
    memoryMiB,
    ceiling: {
      vcpu: cores,
      memoryMiB,
      diskGiB: Math.max(1, Math.floor((disk.bavail * disk.bsize) / GIB)),
    },
    spotAvailable: false,
    stepTimeoutSeconds: STEP_TIMEOUT_SECONDS,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
  };
}
