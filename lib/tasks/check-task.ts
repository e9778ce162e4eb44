/** What the types cannot say of a task file is checked here, before anything runs. */
import type * as z from 'zod';
import type { TaskDefinition } from './define-task.ts';
import { granuleFaults } from './granule-rule.ts';
import { paramType, UnsupportedParamError } from './param-type.ts';
import { checkParams, envName } from './params.ts';
import { isValidSize, sizeText } from './sizes.ts';

/** Every fault of one task file, each a sentence. */
export class BadTaskError extends Error {
  override name = 'BadTaskError';
  readonly faults: string[];
  constructor(task: string, faults: string[]) {
    super(`tasks/${task}/task.ts: ${faults.join(' ')}`);
    this.faults = faults;
  }
}

/** Gives the definition back when it is right for its folder `tasks/<folder>`. Throws {@link BadTaskError}. */
export function checkTask(task: TaskDefinition, folder: string): TaskDefinition {
  const faults = [
    ...nameFaults(task, folder),
    ...paramFaults(task),
    ...secretFaults(task),
    ...endingFaults(task),
    ...granuleFaults(task.granule),
    ...limitFaults(task),
    ...packFaults(task),
    ...fetchFaults(task),
    ...outputFaults(task),
  ];
  // Only a definition that is right so far can be asked for sizes.
  faults.push(...(faults.length === 0 ? sizeFaults(task) : []));
  if (faults.length > 0) {
    throw new BadTaskError(folder, faults);
  }
  return task;
}

/**
 * 32 characters leave room in a job id (96 at most) for what is published, and in ECS family names (255). It is an S3
 * prefix and a folder too, hence no capitals: some file systems do not tell them apart.
 */
export const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const IMAGE = /^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/;

function nameFaults(task: TaskDefinition, folder: string): string[] {
  const faults: string[] = [];
  if (task.name !== folder) {
    faults.push(`Its name is "${task.name}", but its folder is "${folder}": they must be the same.`);
  }
  if (!NAME.test(task.name)) {
    faults.push(`The name "${task.name}" must be 1 to 32 of a-z, 0-9 and "-", and begin with a letter.`);
  }
  if (!IMAGE.test(task.image)) {
    faults.push(
      `The image "${task.image}" must be a repository name without registry and tag, e.g. longshore/${folder}.`,
    );
  }
  if (task.command.length === 0) {
    faults.push('The command is empty.');
  }
  return faults;
}

/** What the container, the shell and the SDKs in it go by: a parameter of that name would change how it runs. */
const RESERVED_NAMES = new Set([
  'PATH',
  'HOME',
  'TMPDIR',
  'PWD',
  'SHELL',
  'USER',
  'HOSTNAME',
  'LANG',
  'IFS',
  'ENV',
]);
const RESERVED_PREFIXES = ['LONGSHORE_', 'AWS_', 'ECS_', 'LD_', 'LC_'];
const ENV_NAME = /^[A-Z][A-Z0-9_]*$/;

const isReserved = (env: string): boolean =>
  RESERVED_NAMES.has(env) || RESERVED_PREFIXES.some((prefix) => env.startsWith(prefix));

function paramFaults(task: TaskDefinition): string[] {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  for (const [name, schema] of Object.entries<unknown>(task.params.shape)) {
    const env = envName(name);
    if (!ENV_NAME.test(env)) {
      faults.push(`The parameter "${name}" must be letters, digits and "-", beginning with a letter.`);
    }
    if (isReserved(env)) {
      faults.push(
        `The parameter "${name}" would set the reserved environment variable ${env}: choose another name.`,
      );
    }
    if (seen.has(env)) {
      faults.push(`The parameters "${seen.get(env)}" and "${name}" are both ${env} in the environment.`);
    }
    seen.set(env, name);
    faults.push(...schemaFaults(name, schema));
  }
  return faults;
}

function secretFaults(task: TaskDefinition): string[] {
  const params = new Set(Object.keys(task.params.shape).map(envName));
  return Object.entries(task.secrets ?? {}).flatMap(([name, description]) => [
    ...(ENV_NAME.test(name) ? [] : [`The secret "${name}" must be named in capitals, digits and "_".`]),
    ...(isReserved(name) ? [`The secret ${name} has the name of a reserved environment variable.`] : []),
    ...(params.has(name) ? [`The secret ${name} has the name of a parameter's environment variable.`] : []),
    ...(description === '' ? [`The secret ${name} must say what it is.`] : []),
  ]);
}

function schemaFaults(name: string, schema: unknown): string[] {
  try {
    const { description } = paramType(schema);
    return description === '' ? [`The parameter "${name}" has no .describe(): it is its help text.`] : [];
  } catch (error) {
    if (error instanceof UnsupportedParamError) {
      return [`The parameter "${name}" ${error.message}.`];
    }
    throw error;
  }
}

function endingFaults(task: TaskDefinition): string[] {
  return task.accepts
    .filter((ending) => !/^\.[^/]+$/.test(ending))
    .map((ending) => `accepts has "${ending}": an ending begins with a dot and has no "/", e.g. .osm.pbf.`);
}

function limitFaults(task: TaskDefinition): string[] {
  const faults: string[] = [];
  if (!isValidSize(task.ceiling)) {
    faults.push(`The ceiling ${sizeText(task.ceiling)} is no size that Fargate has.`);
  }
  if (!Number.isInteger(task.attempts) || task.attempts < 1) {
    faults.push(`attempts is ${task.attempts}, but must be a whole number from 1.`);
  }
  return faults;
}

/** Each member stands in the admission record (about 150 bytes), which all dispatchers read and write. */
const MOST_JOBS = 100;

function packFaults({ pack }: TaskDefinition): string[] {
  if (!pack) return [];
  const { jobs, bytes, seconds, lingerSeconds = 0 } = pack;
  const faults: string[] = [];
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > MOST_JOBS) {
    faults.push(`pack.jobs is ${jobs}, but must be a whole number from 1 to ${MOST_JOBS}.`);
  }
  for (const [name, value] of Object.entries({ bytes, seconds })) {
    if (!(value > 0 && Number.isFinite(value)))
      faults.push(`pack.${name} is ${value}, but must be a number above 0.`);
  }
  if (!(lingerSeconds >= 0 && Number.isFinite(lingerSeconds))) {
    faults.push(`pack.lingerSeconds is ${lingerSeconds}, but must be a number from 0.`);
  }
  return faults;
}

function fetchFaults({ fetch, network }: TaskDefinition): string[] {
  if (!fetch) return [];
  return [
    ...(fetch.command.length === 0 ? ['fetch.command is empty.'] : []),
    ...(network ? [] : ['It has a fetch, but network is false: there is nothing that it could reach.']),
  ];
}

function outputFaults(task: TaskDefinition): string[] {
  const faults = task.outputs
    .filter(({ pattern }) => pattern === '' || pattern.startsWith('/') || pattern.startsWith('.'))
    .map(
      ({ pattern }) => `The output pattern "${pattern}" must be a glob below the output folder, e.g. *.map.`,
    );
  return task.outputs.length === 0 ? ['It has no outputs: nothing would ever be published.'] : faults;
}

/** From nothing known to the largest object of S3 (5 TB). */
const SAMPLE_BYTES = [0, 1, 1e3, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 5e12];

// Asked with the defaults; a task with required parameters has none, and is asked when its first job comes.
function sizeFaults(task: TaskDefinition): string[] {
  const params = task.params.safeParse({});
  if (!params.success) return [];
  return [
    ...SAMPLE_BYTES.flatMap((bytes) => workFaults(task, bytes, params.data)),
    ...ceilingFaults(task, params.data),
  ];
}

function ceilingFaults(task: TaskDefinition, params: z.output<z.ZodObject>): string[] {
  const changes = task.atCeiling?.(params);
  if (!changes) return [];
  const checked = checkParams(task, changes);
  return checked.ok ? [] : [`atCeiling gives parameters that it has not: ${checked.faults.join('; ')}.`];
}

function workFaults(task: TaskDefinition, bytes: number, params: z.output<z.ZodObject>): string[] {
  const size = task.size({ bytes, params });
  const deadline = task.deadlineSeconds({ bytes, params });
  const expected = task.expectedSeconds({ bytes, params });
  const faults: string[] = [];
  const of = `for an input of ${bytes} bytes`;
  if (!isValidSize(size)) {
    faults.push(
      `The size ${sizeText(size)} ${of} is none that Fargate has; roundUp() of sizes.ts finds one.`,
    );
  }
  if (
    size.memoryMiB > task.ceiling.memoryMiB ||
    size.vcpu > task.ceiling.vcpu ||
    size.diskGiB > task.ceiling.diskGiB
  ) {
    faults.push(`The size ${sizeText(size)} ${of} is over the ceiling ${sizeText(task.ceiling)}.`);
  }
  if (!(deadline > 0 && Number.isFinite(deadline))) {
    faults.push(`The deadline ${of} is ${deadline} seconds.`);
  }
  if (!(expected > 0 && Number.isFinite(expected))) {
    faults.push(`The expected time ${of} is ${expected} seconds.`);
  }
  return faults;
}
