import type { Command } from 'commander';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { exitCodeOf, failureBody } from './failure.ts';
import type { Shell } from './shell.ts';

export interface Flags {
  json?: boolean;
}

/** What a command found: the object is for machines, the lines for people. */
export interface Outcome {
  result: object;
  lines: readonly string[];
  exitCode?: ExitCode;
}

/**
 * Lets `command` do `work`: adds `--json`, prints the outcome or what went wrong in one sentence, and leaves the exit
 * code in the shell. Nothing is thrown at the user.
 */
export function does<F extends Flags>(
  command: Command,
  shell: Shell,
  work: (flags: F, ...operands: string[]) => Promise<Outcome>,
): Command {
  return command.option('--json', 'print the answer as JSON').action(async (...given: unknown[]) => {
    const flags = command.opts<F>();
    try {
      report(shell, flags, await work(flags, ...(given.slice(0, -2) as string[])));
    } catch (error) {
      if (flags.json) shell.out(JSON.stringify(failureBody(error)));
      else shell.note((error as Error).message);
      shell.exitCode = exitCodeOf(error);
    }
  });
}

function report(shell: Shell, { json }: Flags, { result, lines, exitCode = exitCodes.ok }: Outcome): void {
  if (json) shell.out(JSON.stringify(result));
  else if (lines.length > 0) shell.out(lines.join('\n'));
  shell.exitCode = exitCode;
}
