import type { Command } from 'commander';
import { runRetention, type Verdict } from '../kernel/retention.ts';
import { seriesOf } from '../module.ts';
import { modules } from '../modules.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { withDatabase, withMigrated } from './database.ts';
import { exitCodes } from './exit-codes.ts';
import type { Shell } from './shell.ts';
import { table } from './table.ts';

interface RunFlags extends Flags {
  dryRun?: boolean;
}

/**
 * `retention run`: what every replica does by itself once an hour. Exit code 1: the table of a partition was in use for
 * as long as it was tried.
 */
export function retentionCommands(program: Command, shell: Shell): void {
  const group = program.command('retention').description('How long heartbeats and usage metrics are kept');
  does(
    group
      .command('run')
      .description('Drop the partitions whose rows have all outlived their time')
      .option('--dry-run', 'only say which'),
    shell,
    ({ dryRun = false }: RunFlags) =>
      withMigrated(shell, (ownerUrl) =>
        withDatabase(ownerUrl, async (db) =>
          outcomeOf(await runRetention(db, seriesOf(modules, shell.config()), { dryRun }), dryRun),
        ),
      ),
  );
}

function outcomeOf(partitions: readonly Verdict[], dryRun: boolean): Outcome {
  const rows = partitions.map(({ name, to, bytes, outcome }) => [name, to, String(bytes), outcome]);
  const isBusy = partitions.some(({ outcome }) => outcome === 'busy');
  return {
    result: { dryRun, partitions },
    lines: rows.length > 0 ? table(['PARTITION', 'UP TO', 'BYTES', 'OUTCOME'], rows) : ['Nothing to do.'],
    exitCode: isBusy ? exitCodes.failed : exitCodes.ok,
  };
}
