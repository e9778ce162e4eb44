/** From what a person or a manifest asks for to the messages of the jobs. */
import { randomUUID } from 'node:crypto';
import type { JobMessage } from '../pipeline/messages.ts';
import type { ManifestJob } from '../pipeline/manifest.ts';
import { newRun, timeSequence } from '../pipeline/names.ts';

/** The same manifest at the same time is the same run, and its jobs are the same jobs. */
export function jobMessages({
  manifest,
  entries,
  time = new Date().toISOString(),
  run,
}: {
  /** URI: two manifests at one time are two runs. */
  manifest: string;
  entries: ManifestJob[];
  /** ISO 8601. */
  time?: string | undefined;
  run?: string | undefined;
}): { run: string; messages: JobMessage[] } {
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw new Error(`The time is "${time}", but must be ISO 8601`);
  const id = run ?? newRun(at, manifest);
  const sequence = timeSequence(at);
  return { run: id, messages: entries.map((entry) => ({ kind: 'job', run: id, sequence, ...entry })) };
}

/** A run of its own for a job asked for by hand. */
export const singleRun = (now: number): string => newRun(now, randomUUID());
