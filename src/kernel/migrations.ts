import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg, { type Client } from 'pg';
import { grantServiceRole } from './db/service-role.ts';
import {
  type InvalidMigration,
  type MigrationFile,
  type MigrationState,
  migrationState,
  readMigrations,
} from './migration-history.ts';

export { type InvalidMigration, type MigrationState, migrationState } from './migration-history.ts';

export interface MigrationOptions {
  /** Folder of the migrations; the package's own by default. */
  folder?: string;
  /** Told in one sentence when a run waits for somebody else. */
  onWait?: (reason: string) => void;
}

/** The files no longer are what was applied; nothing was run. */
export class InvalidMigrationsError extends Error {
  readonly invalid: InvalidMigration[];

  constructor(invalid: InvalidMigration[]) {
    super(`Nothing was run: ${invalid.map(({ name, problem }) => `${name} is ${problem}`).join(', ')}.`);
    this.name = 'InvalidMigrationsError';
    this.invalid = invalid;
  }
}

/** Prisma's own lock: `prisma migrate deploy` and this runner exclude each other. */
const runnerLock = 72707369;
const lockNotAvailable = '55P03';
const lockAttempts = 5;

const createTable = `
  CREATE TABLE IF NOT EXISTS public._prisma_migrations (
    id                  varchar(36)  PRIMARY KEY NOT NULL,
    checksum            varchar(64)  NOT NULL,
    finished_at         timestamptz,
    migration_name      varchar(255) NOT NULL,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz  NOT NULL DEFAULT now(),
    applied_steps_count integer      NOT NULL DEFAULT 0
  )`;

/** Runs `work` on a session that holds the runner's lock; a killed runner's session ends within a second. */
async function exclusively<T>(
  ownerUrl: string,
  options: MigrationOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(
      `SET client_connection_check_interval = '1s'; SET statement_timeout = 0; SET lock_timeout = 0`,
    );
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS held', [runnerLock]);
    if (!rows[0]?.held) {
      options.onWait?.('Another migration run is under way: waiting for its end.');
      await client.query('SELECT pg_advisory_lock($1)', [runnerLock]);
    }
    return await work(client);
  } finally {
    await client.end();
  }
}

async function checkedState(client: Client, folder: string | undefined): Promise<MigrationState> {
  const state = await migrationState(client, folder);
  const invalid = state.invalid.filter(({ problem }) => problem !== 'failed');
  if (invalid.length > 0) throw new InvalidMigrationsError(invalid);
  return state;
}

/** One transaction that gives up a lock after 3 s and tries again: DDL that waits blocks everybody behind it. */
async function transaction(client: Client, statements: () => Promise<void>, options: MigrationOptions) {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(`BEGIN; SET LOCAL lock_timeout = '3s'`);
      await statements();
      await client.query('COMMIT');
      return;
    } catch (error) {
      await client.query('ROLLBACK');
      if ((error as { code?: string }).code !== lockNotAvailable || attempt === lockAttempts) throw error;
      options.onWait?.('A table is in use: trying again.');
      await delay(500 * 2 ** attempt * (0.5 + Math.random() / 2));
    }
  }
}

/** `CREATE INDEX CONCURRENTLY` and its like: statement by statement, and the row first, so that a crash shows. */
async function outsideTransaction(client: Client, file: MigrationFile): Promise<void> {
  const id = randomUUID();
  await client.query('DELETE FROM public._prisma_migrations WHERE migration_name = $1', [file.name]);
  await client.query(
    'INSERT INTO public._prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)',
    [id, file.checksum, file.name],
  );
  for (const statement of file.sql.split(/;\s*$/m)) await client.query(statement);
  await client.query(
    'UPDATE public._prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1',
    [id],
  );
}

async function apply(client: Client, file: MigrationFile, options: MigrationOptions): Promise<void> {
  if (file.sql.startsWith('-- no-transaction')) return outsideTransaction(client, file);
  const record = async () => {
    await client.query(file.sql);
    await client.query('DELETE FROM public._prisma_migrations WHERE migration_name = $1', [file.name]);
    await client.query(
      `INSERT INTO public._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, clock_timestamp(), 1)`,
      [randomUUID(), file.checksum, file.name],
    );
  };
  return transaction(client, record, options);
}

/**
 * Applies every pending migration in order, each in one transaction unless its first line is `-- no-transaction`,
 * then renews the rights of the service's role. Returns the names applied; of two runs at once the second waits
 * and finds nothing to do. `ownerUrl` must lead to the server itself, not to a pooler: the lock is a session's.
 * Throws InvalidMigrationsError before touching anything when an applied file was edited or is missing.
 */
export async function migrateUp(ownerUrl: string, options: MigrationOptions = {}): Promise<string[]> {
  return exclusively(ownerUrl, options, async (client) => {
    const { pending } = await checkedState(client, options.folder);
    await client.query(createTable);
    const files = await readMigrations(options.folder);
    for (const file of files.filter(({ name }) => pending.includes(name))) await apply(client, file, options);
    await grantServiceRole(client);
    return pending;
  });
}

/** Undoes the last `steps` migrations by their `down.sql`, newest first; returns their names. */
export async function migrateDown(
  ownerUrl: string,
  steps = 1,
  options: MigrationOptions = {},
): Promise<string[]> {
  return exclusively(ownerUrl, options, async (client) => {
    const { applied } = await checkedState(client, options.folder);
    const files = new Map((await readMigrations(options.folder)).map((file) => [file.name, file]));
    const undone = applied.slice(-steps).reverse();
    for (const name of undone) {
      const down = files.get(name)?.down;
      if (!down) throw new Error(`${name} has no down.sql: it cannot be undone.`);
      const statements = async () => {
        await client.query(down);
        await client.query('DELETE FROM public._prisma_migrations WHERE migration_name = $1', [name]);
      };
      await transaction(client, statements, options);
    }
    return undone;
  });
}
