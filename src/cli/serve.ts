import type { Command } from 'commander';
import { serve } from '../serve.ts';
import { does } from './command.ts';
import type { Shell } from './shell.ts';

/** `serve`: as `npm start`. The log is JSON lines, with or without `--json`. */
export function serveCommand(program: Command, shell: Shell): void {
  does(program.command('serve').description('Run the service until a signal ends it'), shell, async () => {
    await serve(shell.config());
    return { result: {}, lines: [] };
  });
}
