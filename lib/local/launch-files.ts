/**
 * What is known of a launch, in `work/<job>/<attempt>/runner/`, or `work/.packs/<pack>/runner/` where several jobs share it (not
 * visible to them): `started.json` once it was started, `stop.json` when someone asked it to stop, `end.json` when all is over
 * and the attempt records are written, `cleaned.json` when only they are left.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { TaskState } from '../ports.ts';
import { Awake } from './awake.ts';
import { writeFileDurably } from './durable.ts';
import { hasCode, messageOf } from './errors.ts';
import { launchDir, parseRef } from './refs.ts';

const Started = z.object({
  at: z.number(),
  /** The same moment, whatever is done to the clock after it. */
  awake: Awake.exactOptional(),
  members: z.array(z.object({ job: z.string(), attempt: z.int() })),
  host: z.enum(['docker', 'podman', 'host']).exactOptional(),
  imageDigest: z.string().exactOptional(),
  /** Stage-in failed for all members, and nothing was started. */
  failed: z.string().exactOptional(),
});
export type Started = z.infer<typeof Started>;

/** By file. Times are milliseconds since the epoch. */
interface Contents {
  started: Started;
  stop: { at: number; reason: string };
  end: TaskState;
  cleaned: { at: number };
}
type Name = keyof Contents;

const SCHEMAS: { [N in Name]: z.ZodType<Contents[N]> } = {
  started: Started,
  stop: z.object({ at: z.number(), reason: z.string() }),
  end: z.custom<TaskState>((value) => typeof value === 'object' && value !== null && 'ref' in value),
  cleaned: z.object({ at: z.number() }),
};

export interface LaunchFiles {
  /** Throws when the file cannot be understood. `undefined` when it is not there, or of another home. */
  read<N extends Name>(ref: string, name: N): Promise<Contents[N] | undefined>;
  write<N extends Name>(ref: string, name: N, content: Contents[N]): Promise<void>;
}

export function launchFiles({ homeId, work }: { homeId: string; work: string }): LaunchFiles {
  /** `undefined` for a ref of another home. */
  const fileOf = (ref: string, name: Name): string | undefined => {
    const launch = parseRef(homeId, ref);
    return launch === undefined ? undefined : join(launchDir(work, launch), 'runner', `${name}.json`);
  };
  return {
    async read<N extends Name>(ref: string, name: N): Promise<Contents[N] | undefined> {
      const path = fileOf(ref, name);
      if (path === undefined) return undefined;
      try {
        return SCHEMAS[name].parse(JSON.parse(await readFile(path, 'utf8')));
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
        throw new Error(`${path} cannot be understood: ${messageOf(error)}`, { cause: error });
      }
    },
    async write(ref, name, content) {
      const path = fileOf(ref, name);
      if (path !== undefined) await writeFileDurably(path, `${JSON.stringify(content)}\n`);
    },
  };
}
