/** `longshore`: reads the command line, runs one verb, and turns its end into an exit code. */
import { Command, CommanderError, Help } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { EngineUnusableError } from '../lib/local/engine.ts';
import { DiskFullError, InvalidKeyError, messageOf } from '../lib/local/errors.ts';
import { CliError, EnvironmentError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { terminal, type Output } from './streams.ts';

/** What a verb's `declare` is given, beside the program to add itself to. */
export interface Shell {
  out: Output;
  /** Sets the process's exit code; 0 when a verb never calls it. */
  exit: (code: number) => void;
}

/** One file per verb, loaded when it is asked for: all of them together take three times as long to load. */
const VERBS: Record<string, () => Promise<{ declare(program: Command, shell: Shell): void }>> = {
  up: async () => await import('./commands/up.ts'),
  drop: async () => await import('./commands/drop.ts'),
  run: async () => await import('./commands/run.ts'),
  rebuild: async () => await import('./commands/rebuild.ts'),
  status: async () => await import('./commands/status.ts'),
  dashboard: async () => await import('./commands/dashboard.ts'),
  logs: async () => await import('./commands/logs.ts'),
  cancel: async () => await import('./commands/cancel.ts'),
  retry: async () => await import('./commands/retry.ts'),
  tasks: async () => await import('./commands/tasks.ts'),
  simulate: async () => await import('./commands/simulate.ts'),
  new: async () => await import('./commands/new.ts'),
  test: async () => await import('./commands/test.ts'),
  image: async () => await import('./commands/image.ts'),
  doctor: async () => await import('./commands/doctor.ts'),
};

/** Knows the verb that `argv` begins with; every verb when it begins with none, for the help and for suggestions. */
export async function program(argv: string[], shell: Shell): Promise<Command> {
  const command = new Command('longshore')
    .description('Runs your processing container on every file you drop and on every area of your list.')
    .version(packageJson.version)
    .exitOverride()
    .configureHelp({ groupItems: ownFirst })
    .showHelpAfterError('(longshore --help, or longshore VERB --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a job or build failed, 2 wrong usage, 3 something is missing here,\n130 ended by Ctrl-C (docs/cli.md).',
    );
  const [verb = ''] = argv;
  const wanted = Object.hasOwn(VERBS, verb) ? [verb] : Object.keys(VERBS);
  for (const name of wanted) (await VERBS[name]!()).declare(command, shell);
  return command;
}

/** A verb's own options before those that all have, which are declared first. */
const ownFirst: Help['groupItems'] = (items, visible, groupOf) =>
  new Map(
    [...new Help().groupItems(items, visible, groupOf)].toSorted(
      ([a], [b]) => Number(b === 'Options:') - Number(a === 'Options:'),
    ),
  );

/** Returns the exit code. */
export async function main(
  argv: string[],
  out: Output = terminal(process.stdout, process.stderr),
): Promise<number> {
  let code: number = EXIT.ok;
  try {
    const command = await program(argv, { out, exit: (given) => (code = given) });
    await command.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has told what is wrong, or has shown the help or the version that were asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return explain(error, out);
  } finally {
    out.status();
  }
}

function explain(error: unknown, out: Output): number {
  const known = error instanceof CliError ? error : recognised(error);
  if (known) {
    out.note(`longshore: ${known.message}`);
    return known.exitCode;
  }
  // Not foreseen: the stack is what a bug report needs.
  out.note(`longshore: ${messageOf(error)}`);
  if (process.env.LONGSHORE_DEBUG && error instanceof Error) out.note(error.stack ?? '');
  else out.note('longshore: LONGSHORE_DEBUG=1 shows where in the code this happened');
  return EXIT.failed;
}

/** Errors from below the command that are not its own fault. */
function recognised(error: unknown): CliError | undefined {
  const options = { cause: error };
  if (error instanceof DiskFullError || error instanceof EngineUnusableError)
    return new EnvironmentError(error.message, options);
  if (error instanceof InvalidKeyError) return new UsageError(error.message, options);
  // AWS's answers carry it; without credentials or network there is no answer.
  const fromAws =
    error instanceof Error &&
    ('$metadata' in error || /^(CredentialsProvider|Timeout)Error$/.test(error.name));
  if (!fromAws) return undefined;
  return new EnvironmentError(
    `AWS: ${error.message} (${error.name}). longshore doctor --backend aws  says what is missing`,
    options,
  );
}
