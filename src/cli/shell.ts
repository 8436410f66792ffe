import type { Config } from '../config/index.ts';
import type { ExitCode } from './exit-codes.ts';

/** What a command sees of the outside world. */
export interface Shell {
  /** The settings; throws ConfigError naming every fault. */
  config(): Config;
  /** A line, or several, on standard output: what was asked for. */
  out(text: string): void;
  /** A line on standard error: what a person should know meanwhile. */
  note(text: string): void;
  /** What the command ends with. */
  exitCode: ExitCode;
}
