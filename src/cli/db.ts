import type { Command } from 'commander';
import type { Client } from 'pg';
import { migrateDown, migrateUp, migrationState } from '../kernel/migrations.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { withClient, withMigrated } from './database.ts';
import { clear, clearedMark } from './db-clear.ts';
import { seed } from './db-seed.ts';
import { verify } from './db-verify.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { withOwner } from './owner.ts';
import type { Shell } from './shell.ts';

interface ForceFlags extends Flags {
  force?: boolean;
}

/**
 * `db seed|clear|verify|reset`. Exit codes beside the common ones: `verify` 1 where an invariant is broken; 3 where
 * `--force` is missing, or a service runs on the database that is to be reset.
 */
export function dbCommands(program: Command, shell: Shell): void {
  const group = program.command('db').description('What is in the database: fill, empty, check, start over');
  does(
    group
      .command('seed')
      .description('Fill an empty database with a small network of providers, nodes, GPUs and allocations')
      .option('--force', 'add it beside what there is'),
    shell,
    ({ force = false }: ForceFlags) =>
      withMigrated(shell, (databaseUrl) => seed({ ...shell.config(), databaseUrl }, force)),
  );
  does(
    group
      .command('clear')
      .description('Delete all data; operator keys, the catalogue and the tables stay')
      .option('--force', 'yes, delete it'),
    shell,
    ({ force }: ForceFlags) =>
      withMigrated(shell, (ownerUrl) => {
        assertForced(force, 'deletes all data');
        return clear(ownerUrl);
      }),
  );
  does(
    group
      .command('verify')
      .description('Recompute every invariant from the ledger, the change log and the rows themselves'),
    shell,
    () => withMigrated(shell, (ownerUrl) => verify(ownerUrl, shell.config())),
  );
  does(
    group
      .command('reset')
      .description('Undo all migrations, apply them again, and seed; no service may be running')
      .option('--force', 'yes, delete everything')
      .option('--no-seed', 'leave it empty'),
    shell,
    ({ force, seed: seeding }: ForceFlags & { seed: boolean }) =>
      withOwner(shell, (databaseUrl) => {
        assertForced(force, 'deletes everything');
        return reset({ ...shell.config(), databaseUrl }, seeding);
      }),
  );
}

function assertForced(force: boolean | undefined, what: string): void {
  if (!force) throw new Failure(`This ${what}: say --force if that is meant.`, exitCodes.refused);
}

async function reset(config: Parameters<typeof seed>[0], seeding: boolean): Promise<Outcome> {
  const undone = await withClient(config.databaseUrl, async (client) => {
    await assertUnused(client);
    return (await migrationState(client)).applied;
  });
  if (undone.length > 0) await migrateDown(config.databaseUrl, undone.length);
  const applied = await migrateUp(config.databaseUrl);
  const seeded = seeding ? await seed(config, false) : { result: {}, lines: [] };
  return {
    result: { undone, applied, ...seeded.result },
    lines: [`${undone.length} migrations undone, ${applied.length} applied.`, ...seeded.lines],
  };
}

/** A running service keeps in memory what would be gone: it must start anew anyway. */
async function assertUnused(client: Client): Promise<void> {
  const { rows } = await client.query(`SELECT to_regclass('inventory.instance') IS NOT NULL AS present`);
  if (!rows[0]?.present) return;
  const { rowCount } = await client.query(
    `SELECT FROM inventory.instance WHERE seen_at > clock_timestamp() - interval '5 seconds' AND id <> $1`,
    [clearedMark],
  );
  if (rowCount) throw new Failure('A service runs on this database: end it first.', exitCodes.refused);
}
