/** What a container uses now, as its engine tells. */
import { askEngine, type Engine } from '../lib/local/engine.ts';

const UNITS: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `774.1kB / 25.28GB` (Podman) or `3.2MiB / 1GiB` (Docker) → bytes in use; `undefined` when it says something else. */
export function parseMemUsage(text: string): number | undefined {
  const [, value, unit = ''] = /^\s*([\d.]+)\s*([A-Za-z]+)\s*\//.exec(text) ?? [];
  const factor = UNITS[unit];
  return value === undefined || factor === undefined ? undefined : Math.round(Number(value) * factor);
}

/** `undefined` when the container is gone, or the engine cannot tell. */
export async function containerMemory({ kind }: Engine, ref: string): Promise<number | undefined> {
  const answer = await askEngine(kind, ['stats', '--no-stream', '--format', '{{.MemUsage}}', ref], {
    timeoutSeconds: 5,
  });
  return answer.exitCode === 0 ? parseMemUsage(answer.stdout) : undefined;
}
