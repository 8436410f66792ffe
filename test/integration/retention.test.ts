import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import sql from 'sql-template-tag';
import type { Database } from '../../src/kernel/db/database.ts';
import { ensurePartitions, ensurePartitionsAhead, type Series } from '../../src/kernel/partitions.ts';
import { runRetention, type Verdict } from '../../src/kernel/retention.ts';
import { runCommand, runJson } from '../support/command-line.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/kernel.ts';

const daily: Series = { table: 'daily', width: 'day', keepDays: 7 };
const monthly: Series = { table: 'monthly', width: 'month', keepDays: 40 };
const march20 = sql`'2026-03-20T12:00:00Z'::timestamptz`;

let database: TestDatabase;
let owner: pg.Pool;
let db: Database;
beforeAll(async () => {
  database = await createDatabase();
  owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 });
  for (const { table } of [daily, monthly]) {
    await owner.query(`CREATE TABLE inventory.${table} (at timestamptz PRIMARY KEY) PARTITION BY RANGE (at)`);
    await owner.query(`GRANT SELECT, INSERT, DELETE ON inventory.${table} TO inv_app`);
  }
  // As the service: no owner of any table.
  db = openDatabase(database.url);
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await database.drop();
});

describe('partitions', () => {
  it('are made for the days that are named, in UTC, once', async () => {
    const days = ['2026-03-11', '2026-03-12', '2026-03-12', '2026-03-13', '2026-03-14'];
    await Promise.all([ensurePartitions(db, daily, days), ensurePartitions(db, daily, days)]);
    expect(await partitions('daily')).toEqual([
      'daily_20260311',
      'daily_20260312',
      'daily_20260313',
      'daily_20260314',
    ]);
    await db.execute(sql`INSERT INTO inventory.daily SELECT d + time FROM unnest(
      ARRAY['2026-03-11', '2026-03-14']::date[]) d, unnest(ARRAY['00:00Z', '23:59:59.999999Z']::timetz[]) time`);
    expect(await counts('daily')).toEqual({ daily_20260311: 2, daily_20260314: 2 });
  });

  it('hold a month where that is their width', async () => {
    await ensurePartitions(db, monthly, ['2026-01-31', '2026-02-01', '2026-02-28']);
    await db.execute(
      sql`INSERT INTO inventory.monthly VALUES ('2026-01-31T23:59:59Z'), ('2026-02-01T00:00:00Z')`,
    );
    expect(await counts('monthly')).toEqual({ monthly_202601: 1, monthly_202602: 1 });
  });

  it('are made a week ahead, and a month', async () => {
    const ahead = { ...daily, table: 'heartbeat' };
    // The migration made those of the day on which it ran.
    await ensurePartitionsAhead(db, ahead);
    const before = await partitions('heartbeat');
    expect(before.length).toBeGreaterThanOrEqual(9);
    await owner.query(`DROP TABLE inventory.${before.at(-1)}`);
    await ensurePartitionsAhead(db, ahead);
    expect(await partitions('heartbeat')).toEqual(before);
    await ensurePartitionsAhead(db, { ...monthly });
    await db.execute(sql`INSERT INTO inventory.monthly VALUES (now() + interval '28 days')`);
  });

  it('are made of tables of the service only', async () => {
    const of = (table: string) => ensurePartitions(db, { ...daily, table }, ['2026-01-01']);
    await expect(of('provider')).rejects.toThrow('not a table of this service');
    await expect(of('daily_20260311')).rejects.toThrow('not a table of this service');
    await owner.query('CREATE TABLE public.elsewhere (at timestamptz) PARTITION BY RANGE (at)');
    await expect(
      db.rows(sql`SELECT inventory.ensure_partitions('public.elsewhere', 'day', '{2026-01-01}')`),
    ).rejects.toThrow('not a table of this service');
  });

  it('are dropped by those only who may delete their rows, and nothing else is', async () => {
    await owner.query('REVOKE DELETE ON inventory.daily FROM inv_app');
    const drop = (name: string) => db.execute(sql`SELECT inventory.drop_partition(${name}::regclass)`);
    await expect(drop('inventory.daily_20260311')).rejects.toThrow('no partition that inv_app may drop');
    await owner.query('GRANT DELETE ON inventory.daily TO inv_app');
    for (const name of ['inventory.daily', 'inventory.provider', 'inventory.change'])
      await expect(drop(name)).rejects.toThrow('no partition that inv_app may drop');
  });
});

describe('retention', () => {
  it('names, and leaves, what is outdated in a dry run', async () => {
    const verdicts = await runRetention(db, [daily, monthly], { dryRun: true, moment: march20 });
    expect(verdicts).toEqual([
      {
        table: 'daily',
        name: 'inventory.daily_20260311',
        from: '2026-03-11T00:00:00Z',
        to: '2026-03-12T00:00:00Z',
        bytes: expect.any(Number),
        outcome: 'outdated',
      },
      {
        table: 'daily',
        name: 'inventory.daily_20260312',
        from: '2026-03-12T00:00:00Z',
        to: '2026-03-13T00:00:00Z',
        bytes: expect.any(Number),
        outcome: 'outdated',
      },
      {
        table: 'monthly',
        name: 'inventory.monthly_202601',
        from: '2026-01-01T00:00:00Z',
        to: '2026-02-01T00:00:00Z',
        bytes: expect.any(Number),
        outcome: 'outdated',
      },
    ]);
    expect(await partitions('daily')).toHaveLength(4);
  });

  it('keeps a partition until its youngest row has outlived its time by an hour', async () => {
    const at = (moment: string) =>
      runRetention(db, [daily], { dryRun: true, moment: sql`${moment}::timestamptz` });
    expect(namesOf(await at('2026-03-19T00:59:59Z'))).toEqual([]);
    expect(namesOf(await at('2026-03-19T01:00:00Z'))).toEqual(['inventory.daily_20260311']);
  });

  it('keeps what is in use', async () => {
    const needed: Series = { ...daily, inUse: (from) => sql`${from} = '2026-03-11T00:00:00Z'::timestamptz` };
    const verdicts = await runRetention(db, [needed], { moment: march20, dryRun: true });
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['in_use', 'outdated']);
  });

  it('waits for nobody: a table that is being read is left for the next run', async () => {
    const reader = await owner.connect();
    await reader.query('BEGIN; SELECT FROM inventory.daily');
    const verdicts = await runRetention(db, [daily], { moment: march20 });
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['busy', 'busy']);
    await reader.query('COMMIT');
    reader.release();
    expect(await partitions('daily')).toHaveLength(4);
  });

  it('drops each once, with two at work', async () => {
    const other = openDatabase(database.url);
    const runs = await Promise.all(
      [db, other].map((one) => runRetention(one, [daily, monthly], { moment: march20 })),
    );
    await other.close();
    expect(namesOf(runs.flat()).sort()).toEqual([
      'inventory.daily_20260311',
      'inventory.daily_20260312',
      'inventory.monthly_202601',
    ]);
    expect(runs.flat().every(({ outcome }) => outcome === 'dropped')).toBe(true);
    expect(await partitions('daily')).toEqual(['daily_20260313', 'daily_20260314']);
    expect(await runRetention(db, [daily, monthly], { moment: march20 })).toEqual([]);
  });
});

describe('retention run', () => {
  const env = () => ({ DATABASE_URL: database.ownerUrl });
  const heartbeats: Series = { table: 'heartbeat', width: 'day', keepDays: 7 };

  it('has nothing to do on a young database', async () => {
    expect(await runCommand(['retention', 'run'], env())).toEqual({
      code: 0,
      stdout: 'Nothing to do.',
      stderr: '',
    });
  });

  it('drops heartbeats after a week, 0, and says so beforehand', async () => {
    await ensurePartitions(db, heartbeats, ['2026-01-01']);
    const dry = await runJson(['retention', 'run', '--dry-run'], env());
    expect(dry).toMatchObject({ code: 0, answer: { dryRun: true, partitions: [{ outcome: 'outdated' }] } });
    const kept = { ...env(), HEARTBEAT_RETENTION_DAYS: '3650' };
    expect(await runJson(['retention', 'run'], kept)).toMatchObject({ answer: { partitions: [] } });
    expect(await runJson(['retention', 'run'], env())).toMatchObject({
      code: 0,
      answer: { dryRun: false, partitions: [{ name: 'inventory.heartbeat_20260101', outcome: 'dropped' }] },
    });
    expect(await partitions('heartbeat')).not.toContain('heartbeat_20260101');
  });

  it('ends with 1 where a table was in use', async () => {
    await ensurePartitions(db, heartbeats, ['2026-01-01']);
    const reader = await owner.connect();
    await reader.query('BEGIN; SELECT FROM inventory.heartbeat');
    const { code, stdout } = await runCommand(['retention', 'run'], env());
    await reader.query('COMMIT');
    reader.release();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^PARTITION .*\ninventory\.heartbeat_20260101 .* busy$/);
  });
});

const namesOf = (verdicts: readonly Verdict[]): string[] => verdicts.map(({ name }) => name);

async function partitions(table: string): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = $1::regclass ORDER BY 1`,
    [`inventory.${table}`],
  );
  return rows.map(({ name }) => name);
}

/** Rows of each partition that has any. */
async function counts(table: string): Promise<Record<string, number>> {
  const { rows } = await owner.query<{ name: string; count: number }>(
    `SELECT c.relname AS name, count(*)::int FROM inventory.${table} t JOIN pg_class c ON c.oid = t.tableoid GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}
