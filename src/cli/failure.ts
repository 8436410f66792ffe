import { DriverError, ServiceError, SnapshotError } from '../agent/index.ts';
import { ConfigError } from '../config/index.ts';
import { isConnectionError } from '../kernel/db/errors.ts';
import { AppError } from '../kernel/errors.ts';
import { InvalidMigrationsError } from '../kernel/migrations.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** A command cannot do what it was told: one sentence for the user, and the exit code that it ends with. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.failed, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** The exit code that an error of any command ends with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Failure) return error.exitCode;
  if (error instanceof ConfigError) return exitCodes.settings;
  if (error instanceof SnapshotError || error instanceof DriverError) return exitCodes.unreadable;
  if (error instanceof ServiceError) return error.retryable ? exitCodes.unreachable : exitCodes.refused;
  if (error instanceof AppError) return byStatus(error.status);
  if (error instanceof InvalidMigrationsError) return exitCodes.refused;
  return isConnectionError(error) ? exitCodes.unreachable : exitCodes.failed;
}

function byStatus(status: number): ExitCode {
  if (status === 503) return exitCodes.unreachable;
  return status === 400 ? exitCodes.failed : exitCodes.refused;
}

/** The error as `--json` shows it. */
export function failureBody(error: unknown): object {
  const { message } = error as Error;
  if (error instanceof ConfigError) return { error: message, faults: error.faults };
  if (error instanceof InvalidMigrationsError) return { error: message, invalid: error.invalid };
  if (error instanceof AppError) return { error: message, code: error.code };
  return { error: message };
}
