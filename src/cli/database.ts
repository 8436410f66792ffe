import pg from 'pg';
import { pino } from 'pino';
import { Database } from '../kernel/db/database.ts';
import { createPool } from '../kernel/db/pool.ts';
import { migrationState } from '../kernel/migrations.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { withOwner } from './owner.ts';
import type { Shell } from './shell.ts';

/** Commands answer with sentences, not with a log. */
export const silentLog = pino({ level: 'silent' });

/** Runs `work` on one session of the database's owner, without time limits. */
export async function withClient<T>(ownerUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'depin-inventory cli' });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Refuses a database that lacks migrations of this release. */
async function assertMigrated(client: pg.Client): Promise<void> {
  const { pending } = await migrationState(client);
  if (pending.length === 0) return;
  throw new Failure('Run `depin-inventory migrate up` first.', exitCodes.refused);
}

/** As `withOwner`, once the database is known to be that of this release. */
export const withMigrated = <T>(shell: Shell, work: (ownerUrl: string) => Promise<T>): Promise<T> =>
  withOwner(shell, async (ownerUrl) => {
    await withClient(ownerUrl, assertMigrated);
    return work(ownerUrl);
  });

/** Runs `work` over the kernel's transactions, as the service's own code does. */
export async function withDatabase<T>(ownerUrl: string, work: (db: Database) => Promise<T>): Promise<T> {
  const pool = createPool({ url: ownerUrl, max: 1, name: 'depin-inventory cli', log: silentLog });
  const db = new Database({ pool, log: silentLog });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
