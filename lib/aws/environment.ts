/**
 * The environment of the Lambdas (and of anything else that wants a context on AWS): every variable, in one place.
 * `serverless.yml` sets them.
 */
import * as z from 'zod';

const csv = z
  .string()
  .min(1)
  .transform((text) => text.split(',').map((part) => part.trim()));

const count = z
  .string()
  .regex(/^[1-9]\d*$/, 'must be a whole number above 0')
  .transform(Number);

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** `mirror:download.geofabrik.de=4,other=2`, or nothing. */
const limits = z
  .string()
  .regex(/^([^=,]+=\d+(,[^=,]+=\d+)*)?$/, 'must be NAME=NUMBER,NAME=NUMBER,…')
  .transform((text) =>
    Object.fromEntries(
      text
        .split(',')
        .filter((part) => part !== '')
        .map((part): [string, number] => {
          const [name = '', number] = part.split('=');
          return [name.trim(), Number(number)];
        }),
    ),
  );

/** What every function has. */
export const BaseEnvironment = z.object({
  LONGSHORE_UPLOADS_BUCKET: z
    .string()
    .min(1)
    .describe('Files are dropped here, below the name of their task'),
  LONGSHORE_OUTPUT_BUCKET: z.string().min(1).describe('Published results'),
  LONGSHORE_QUARANTINE_BUCKET: z.string().min(1).describe('What failed, with the reason'),
  LONGSHORE_STATE_BUCKET: z
    .string()
    .min(1)
    .describe('The ledger (ledger/) and outputs on their way (staging/)'),
  LONGSHORE_JOBS_QUEUE: z.url().describe('URL of the queue of new work'),
  LONGSHORE_WAKE_QUEUE: z.url().describe('URL of the queue of wake-ups'),
  LONGSHORE_VALIDATE_QUEUE: z.url().describe('URL of the queue to the validate function'),
  LONGSHORE_METADATA_QUEUE: z.url().describe('URL of the queue to the metadata function'),
  LONGSHORE_MAX_TASKS: count.describe('Containers that may run at once'),
  LONGSHORE_LIMITS: limits.describe('Shares of named limits: mirror:download.geofabrik.de=4'),
  LONGSHORE_ARCHITECTURE: z.enum(['x86_64', 'arm64']).describe('CPU architecture of the images'),
  LONGSHORE_SPOT: flag.describe('Whether first attempts may run on Fargate Spot'),
  LONGSHORE_STEP_TIMEOUT: count.describe(
    'Seconds after which a forgotten validate or publish step is sent again',
  ),
});
export type BaseEnvironment = z.output<typeof BaseEnvironment>;

/** What functions that start, watch or stop containers have besides. */
export const RunnerEnvironment = z.object({
  LONGSHORE_CLUSTER: z.string().min(1).describe('Name or ARN of the ECS cluster'),
  LONGSHORE_TASK_FAMILY_PREFIX: z
    .string()
    .min(1)
    .describe('Task definition family, without the task at its end'),
  LONGSHORE_SUBNETS: csv.describe('Subnets of the containers'),
  LONGSHORE_SECURITY_GROUPS: csv.describe('Security groups of the containers'),
  LONGSHORE_ASSIGN_PUBLIC_IP: flag.describe('true in public subnets, false behind NAT or endpoints'),
});
export type RunnerEnvironment = z.output<typeof RunnerEnvironment>;

/** What the rebuild function has besides. */
export const RebuildEnvironment = z.object({
  LONGSHORE_MANIFEST: z.string().min(1).describe('The manifest: its key in the state bucket'),
  LONGSHORE_REBUILD_PERIOD: z
    .enum(['month', 'time'])
    .describe('What names a run: its month, or the time of its start for a schedule that fires more often'),
  LONGSHORE_MAX_COST: z
    .string()
    .regex(/^(\d+(\.\d+)?)?$/, 'must be US dollars, or empty for no budget')
    .transform((text) => (Number(text) > 0 ? Number(text) : undefined))
    .describe('Budget of each run in US dollars; empty: none'),
});
export type RebuildEnvironment = z.output<typeof RebuildEnvironment>;

/** What the stage containers have. */
export const StageEnvironment = z.object({
  LONGSHORE_LAUNCH: z.string().min(1).describe('Name of the launch, e.g. <job>/<attempt>'),
  LONGSHORE_UPLOADS_BUCKET: z.string().min(1).describe('Where inputs are fetched from'),
  LONGSHORE_STATE_BUCKET: z.string().min(1).describe('Where the launch specification is, and outputs go'),
  LONGSHORE_VOLUME: z.string().min(1).default('/longshore').describe('The volume that the containers share'),
});

/** A variable is missing or wrong: names each, and what it is now. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError';
}

export function readEnvironment<S extends z.ZodObject>(
  schema: S,
  env: Record<string, string | undefined> = process.env,
): z.output<S> {
  const read = schema.safeParse(env);
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const what = schema.shape[name] as z.ZodType | undefined;
    const value = env[name] === undefined ? 'is not set' : `is ${JSON.stringify(env[name])}: ${message}`;
    return `${name} ${value} (${what?.description ?? ''})`;
  });
  throw new EnvironmentError(`The environment is not as it must be: ${faults.join('; ')}`);
}
