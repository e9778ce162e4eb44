/** The folder of one attempt: what stage-in prepares, main works in, and stage-out clears away. */
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { replaceFile } from '../local/durable.ts';

export interface AttemptLayout {
  dir: string;
  /** Read-only for main. */
  input: string;
  output: string;
  /** Main's `$TMPDIR`. */
  tmp: string;
  control: string;
  /** Started as `sh run.sh COMMAND… INPUT OUTPUT`. */
  runScript: string;
  /** When its turn came, written by pack.sh; a job alone has none. */
  begun: string;
  /** ExitRecord, written by run.sh. */
  exit: string;
  /** What run.sh logged, one JSON object a line. */
  log: string;
  /** StageInRecord. */
  stageIn: string;
  /** Of the step that fetches (`fetch.ts`): as of the command, and what comes after it. */
  fetch: { control: string; runScript: string; exit: string; log: string; next: string };
  /** The handler's report, below the output folder and never published. */
  report: string;
}

/** Hidden folder in the output folder, for what is told to longshore and not published. */
export const HIDDEN_OUTPUT = '.longshore';

export function attemptLayout(dir: string): AttemptLayout {
  const control = join(dir, 'control');
  const output = join(dir, 'output');
  const fetch = join(control, 'fetch');
  return {
    dir,
    input: join(dir, 'input'),
    output,
    tmp: join(dir, 'tmp'),
    control,
    runScript: join(control, 'run.sh'),
    begun: join(control, 'begun'),
    exit: join(control, 'exit.json'),
    log: join(control, 'log.jsonl'),
    stageIn: join(control, 'stage-in.json'),
    fetch: {
      control: fetch,
      runScript: join(fetch, 'run.sh'),
      exit: join(fetch, 'exit.json'),
      log: join(fetch, 'log.jsonl'),
      next: join(fetch, 'next.sh'),
    },
    report: join(output, HIDDEN_OUTPUT, 'report.json'),
  };
}

/** Left in the control folder by stage-in for stage-out, which is another container on Fargate. */
export const StageInRecord = z.union([
  z.object({
    inputs: z.array(
      z.object({
        name: z.string(),
        bytes: z.number(),
        sha256: z.string(),
        /** Size and time of the file in the input folder, to see whether it was written to while main ran. */
        stamp: z.string(),
      }),
    ),
  }),
  z.object({
    cause: z.enum(['input-changed', 'input-missing', 'bad-input', 'disk-full', 'failed']),
    reason: z.string(),
  }),
]);
export type StageInRecord = z.infer<typeof StageInRecord>;

/** In the source tree; a bundle has it beside itself and says so. */
export const RUN_SCRIPT = fileURLToPath(new URL('../../containers/stage/run.sh', import.meta.url));

/**
 * Makes the folders and puts the runner script there; what is there already stays. `anyUser`: main may run as a user that
 * is not known here (the volume on Fargate), so the folders that it writes to are open to all.
 */
export async function makeLayout(
  dir: string,
  { runScript = RUN_SCRIPT, anyUser = false }: { runScript?: string; anyUser?: boolean } = {},
): Promise<AttemptLayout> {
  const layout = attemptLayout(dir);
  for (const folder of [layout.input, layout.output, layout.tmp, layout.control]) {
    await mkdir(folder, { recursive: true });
    // mkdir's own mode is cut by the umask.
    if (anyUser) await chmod(folder, folder === layout.input ? 0o755 : 0o777);
  }
  // By rename: a shell reads its script as it goes, and an earlier launch's may be running.
  await replaceFile(layout.runScript, async (temp) => {
    await copyFile(runScript, temp);
    await chmod(temp, 0o755);
  });
  return layout;
}
