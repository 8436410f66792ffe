import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  InvalidMigrationsError,
  migrateDown,
  migrateUp,
  migrationState,
} from '../../src/kernel/migrations.ts';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { startScript } from '../support/run-typescript.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await createDatabase('template0');
  folder = mkdtempSync(join(tmpdir(), 'inv-migrations-'));
  write('1_first', 'CREATE TABLE first (id int)', 'DROP TABLE first');
});
afterEach(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

function write(name: string, sql: string, down?: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'migration.sql'), sql);
  if (down !== undefined) writeFileSync(join(folder, name, 'down.sql'), down);
}

const up = (onWait?: (reason: string) => void) =>
  migrateUp(database.ownerUrl, onWait ? { folder, onWait } : { folder });
const down = (steps?: number) => migrateDown(database.ownerUrl, steps, { folder });
const state = () => withClient(database.ownerUrl, (owner) => migrationState(owner, folder));

async function tables(): Promise<string[]> {
  const { rows } = await withClient(database.ownerUrl, (owner) =>
    owner.query<{ tablename: string }>(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' ORDER BY 1`,
    ),
  );
  return rows.map(({ tablename }) => tablename);
}

describe('migrateUp', () => {
  it('applies what is pending, in order, and finds nothing to do afterwards', async () => {
    write('2_second', 'ALTER TABLE first RENAME TO second');
    expect(await state()).toEqual({ applied: [], pending: ['1_first', '2_second'], invalid: [] });
    expect(await up()).toEqual(['1_first', '2_second']);
    expect(await tables()).toEqual(['second']);
    expect(await up()).toEqual([]);
    expect(await state()).toEqual({ applied: ['1_first', '2_second'], pending: [], invalid: [] });
  });

  it('keeps nothing of a file that fails, and all of those before it', async () => {
    write('2_second', 'CREATE TABLE second (id int); CREATE TABLE first (id int)');
    await expect(up()).rejects.toThrow('relation "first" already exists');
    expect(await tables()).toEqual(['first']);
    expect(await state()).toEqual({ applied: ['1_first'], pending: ['2_second'], invalid: [] });
  });

  it('keeps nothing of a file that cannot be recorded as applied', async () => {
    write('2_second', 'CREATE TABLE second (id int); ALTER TABLE public._prisma_migrations RENAME TO hidden');
    await expect(up()).rejects.toThrow('_prisma_migrations');
    expect(await tables()).toEqual(['first']);
    expect(await state()).toEqual({ applied: ['1_first'], pending: ['2_second'], invalid: [] });
  });

  it.each([
    ['edited', () => write('1_first', 'CREATE TABLE first (id bigint)')],
    ['missing', () => rmSync(join(folder, '1_first'), { recursive: true })],
  ])('refuses to run anything when an applied file is %s', async (problem, change) => {
    await up();
    change();
    write('2_second', 'CREATE TABLE second (id int)');
    const invalid = [{ name: '1_first', problem }];
    expect((await state()).invalid).toEqual(invalid);
    await expect(up()).rejects.toThrow(new InvalidMigrationsError(invalid as never));
    await expect(down()).rejects.toThrow(InvalidMigrationsError);
    expect(await tables()).toEqual(['first']);
  });

  it('runs a file marked "-- no-transaction" outside one, and again after it has failed', async () => {
    write('2_index', '-- no-transaction\nCREATE INDEX CONCURRENTLY first_id ON first (wrong);\n');
    await expect(up()).rejects.toThrow('column "wrong" does not exist');
    expect(await state()).toEqual({
      applied: ['1_first'],
      pending: ['2_index'],
      invalid: [{ name: '2_index', problem: 'failed' }],
    });
    write(
      '2_index',
      '-- no-transaction\nDROP INDEX IF EXISTS first_id;\nCREATE INDEX CONCURRENTLY first_id ON first (id);\n',
    );
    expect(await up()).toEqual(['2_index']);
    expect((await state()).invalid).toEqual([]);
  });

  it('gives the service its rights on what it has made, without the right to alter the audit trail', async () => {
    write(
      '2_schema',
      'CREATE SCHEMA inventory; CREATE TABLE inventory.change (); CREATE TABLE inventory.node ()',
    );
    await up();
    const { rows } = await withClient(database.url, (service) =>
      service.query(`SELECT has_table_privilege('inventory.node', 'DELETE') AS node,
                            has_table_privilege('inventory.change', 'INSERT') AS add,
                            has_table_privilege('inventory.change', 'UPDATE, DELETE, TRUNCATE') AS alter`),
    );
    expect(rows).toEqual([{ node: true, add: true, alter: false }]);
  });
});

describe('migrateDown', () => {
  it('undoes the newest first, as many as asked', async () => {
    write('2_second', 'CREATE TABLE second (id int)', 'DROP TABLE second');
    write('3_third', 'CREATE TABLE third (id int)', 'DROP TABLE third');
    await up();
    expect(await down(2)).toEqual(['3_third', '2_second']);
    expect(await tables()).toEqual(['first']);
    expect(await down()).toEqual(['1_first']);
    expect(await down()).toEqual([]);
  });

  it('stops at a migration that has no down.sql', async () => {
    write('2_second', 'CREATE TABLE second (id int)');
    await up();
    await expect(down()).rejects.toThrow('2_second has no down.sql');
    expect(await tables()).toEqual(['first', 'second']);
  });
});

describe('several at once', () => {
  it('lets one runner work and the others find nothing to do', async () => {
    const results = await Promise.all([up(), up(), up()]);
    expect(results.filter((applied) => applied.length > 0)).toEqual([['1_first']]);
  });

  it("waits for whoever holds Prisma's lock, and says so", async () => {
    await withClient(database.ownerUrl, async (other) => {
      await other.query('SELECT pg_advisory_lock(72707369)');
      const waits = jest.fn((_reason: string) => void other.query('SELECT pg_advisory_unlock(72707369)'));
      expect(await up(waits)).toEqual(['1_first']);
      expect(waits).toHaveBeenCalledTimes(1);
    });
  });

  it('gives up a lock that others hold, lets them pass, and tries again', async () => {
    await up();
    write('2_second', 'ALTER TABLE first ADD COLUMN name text');
    await withClient(database.ownerUrl, async (reader) => {
      await reader.query('BEGIN; SELECT FROM first');
      const waits = jest.fn((_reason: string) => void reader.query('COMMIT'));
      expect(await up(waits)).toEqual(['2_second']);
      expect(waits).toHaveBeenCalledWith('A table is in use: trying again.');
    });
  });

  it('goes on where a killed runner was', async () => {
    write('2_second', 'CREATE TABLE second (id int); SELECT pg_sleep(600)');
    const runner = startScript(
      `const { migrateUp } = await import('./src/kernel/migrations.ts');
       const [, ownerUrl, folder] = process.argv;
       await migrateUp(ownerUrl, { folder });`,
      [database.ownerUrl, folder],
    );
    await withClient(database.ownerUrl, async (observer) => {
      const sleeping = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
      while (!(await observer.query(sleeping)).rowCount) {}
    });
    runner.kill('SIGKILL');
    await once(runner, 'exit');

    expect(await state()).toEqual({ applied: ['1_first'], pending: ['2_second'], invalid: [] });
    write('2_second', 'CREATE TABLE second (id int)');
    expect(await up()).toEqual(['2_second']);
  });
});
