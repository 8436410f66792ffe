import { Command, CommanderError } from 'commander';
import { release } from '../release.ts';
import { agentCommands } from './agent.ts';
import { dbCommands } from './db.ts';
import { demoCommand } from './demo.ts';
import { type ExitCode, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { healthCommand } from './health.ts';
import { keysCommands } from './keys.ts';
import { migrateCommands } from './migrate.ts';
import { openapiCommand } from './openapi.ts';
import { reconcileCommand } from './reconcile.ts';
import { replayCommand } from './replay.ts';
import { retentionCommands } from './retention.ts';
import { serveCommand } from './serve.ts';
import type { Shell } from './shell.ts';
import { simulateCommand } from './simulate.ts';

/** Runs `depin-inventory <args>` and returns its exit code; nothing is thrown, nothing ends the process. */
export async function run(args: readonly string[], shell: Shell): Promise<ExitCode> {
  try {
    await createProgram(shell).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    shell.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.failed;
  }
  return shell.exitCode;
}

/** Subcommands inherit what is set here before they are made. */
function createProgram(shell: Shell): Command {
  const program = new Command('depin-inventory')
    .description('The system of record of a decentralised GPU network.')
    .version(release.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.out(text.trimEnd()),
      writeErr: (text) => shell.note(text.trimEnd()),
    })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', exitCodesHelp);
  serveCommand(program, shell);
  migrateCommands(program, shell);
  dbCommands(program, shell);
  healthCommand(program, shell);
  keysCommands(program, shell);
  retentionCommands(program, shell);
  openapiCommand(program, shell);
  agentCommands(program, shell);
  demoCommand(program, shell);
  simulateCommand(program, shell);
  reconcileCommand(program, shell);
  replayCommand(program, shell);
  return program;
}
