/** The options that every verb has, and how text becomes their types. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';

export type BackendName = 'local' | 'aws';

export interface CommonOptions {
  backend: BackendName;
  home: string;
  /** Of the stack, on AWS. */
  stage: string;
  region?: string;
  json: boolean;
}

/** `--home` wins over LONGSHORE_HOME, which wins over ~/longshore. */
export function defaultHome(env: NodeJS.ProcessEnv): string {
  return env.LONGSHORE_HOME ? resolve(env.LONGSHORE_HOME) : join(homedir(), 'longshore');
}

/** Of the options that every verb has: its own are told before them. */
const WHERE = 'Where:';

export function withBackend(command: Command): Command {
  const placed = command
    .addOption(
      new Option('--backend <name>', 'where jobs run: this machine, or AWS Fargate')
        .choices(['local', 'aws'])
        .default('local')
        .helpGroup(WHERE),
    )
    .addOption(
      new Option('--home <dir>', 'folder of the local backend: uploads, output, quarantine, ledger, work')
        .default(defaultHome(process.env), `LONGSHORE_HOME, else ~/longshore`)
        .argParser((dir) => resolve(dir))
        .helpGroup(WHERE),
    );
  return withStage(placed, 'with --backend aws: ');
}

/** The deployed stack that is meant. `when` begins the help texts. */
export function withStage(command: Command, when = ''): Command {
  return command
    .addOption(
      new Option('--stage <name>', `${when}stage of the deployed stack`)
        .default(defaultStage(process.env), 'LONGSHORE_STAGE, else dev')
        .argParser(stageName)
        .helpGroup(WHERE),
    )
    .addOption(
      new Option(
        '--region <name>',
        `${when}region of the stack (default: AWS_REGION, else your profile)`,
      ).helpGroup(WHERE),
    );
}

const defaultStage = (env: NodeJS.ProcessEnv): string => env.LONGSHORE_STAGE || 'dev';

/** CloudFormation takes these characters in a stack's name. */
function stageName(text: string): string {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(text))
    throw new InvalidArgumentError('It must be a letter, then letters, digits and -, at most 64.');
  return text;
}

/** What a command that is shown must have to be about the same stack. */
export function awsFlags({ stage, region }: Pick<CommonOptions, 'stage' | 'region'>): string {
  const named = stage === defaultStage(process.env) ? '' : ` --stage ${stage}`;
  return `--backend aws${named}${region === undefined ? '' : ` --region ${region}`}`;
}

export const withJson = (command: Command): Command =>
  command.option('--json', 'machine-readable output on stdout', false);

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return value;
}

export function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return value;
}

export const repeated = (value: string, before: string[] = []): string[] => [...before, value];
