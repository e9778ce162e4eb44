/** Errors that a person can do something about. The message says what, where, and what to do. */
import { EXIT } from './exit-codes.ts';

export class CliError extends Error {
  override name = 'CliError';
  readonly exitCode: number;
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The command was not given right. */
export class UsageError extends CliError {
  override name = 'UsageError';
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.usage, options);
  }
}

/** The machine or the account lacks something. */
export class EnvironmentError extends CliError {
  override name = 'EnvironmentError';
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.environment, options);
  }
}
