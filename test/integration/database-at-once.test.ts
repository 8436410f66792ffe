import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import sql, { type Sql } from 'sql-template-tag';
import type { Database, Writer } from '../../src/kernel/db/database.ts';
import { newId } from '../../src/kernel/ids.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { asWorker, keyed, openDatabase, requestOf, tenantOf } from '../support/kernel.ts';

let server: TestDatabase;
let owner: pg.Pool;
/** One connection: whatever a transaction leaves behind, the next one would meet. */
let db: Database;

beforeAll(async () => {
  server = await createDatabase();
  owner = new pg.Pool({ connectionString: server.ownerUrl, max: 2 });
});
afterAll(async () => {
  await owner.end();
  await server.drop();
});
beforeEach(() => {
  db = openDatabase(server.url, 1);
});
afterEach(async () => {
  await db.close();
  await owner.query('DELETE FROM inventory.tenant');
});

const add = (name: string): Sql =>
  sql`INSERT INTO inventory.tenant (id, name) VALUES (${newId()}, ${name}) RETURNING name`;
const count = async (): Promise<number> => (await owner.query('SELECT FROM inventory.tenant')).rowCount ?? 0;

const settings = sql`SELECT current_setting('app.tenant_id') AS tenant, current_setting('lock_timeout') AS lock_timeout,
  current_setting('statement_timeout') AS statement_timeout, ${1}::integer AS one`;
const settingsOf = (writer: Writer) => db.writeAtOnce(writer, (tx) => tx.row(settings));

describe('a write that is one statement', () => {
  it('is committed when its rows are there, named or not yet', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const seen = await db.writeAtOnce(asWorker, async (tx) => [await tx.rows(add(name)), await count()]);
      expect(seen).toEqual([[{ name }], await count()]);
    }
    expect(await count()).toBe(5);
  });

  it('runs under the same limits and tenant as any other, and leaves none of them behind', async () => {
    const tenantId = newId();
    const same = { lockTimeout: '1100ms', statementTimeout: '2500ms', one: 1 };
    for (let time = 0; time < 4; time++) {
      expect(await settingsOf(requestOf(tenantOf(tenantId)))).toEqual({ ...same, tenant: tenantId });
      expect(await settingsOf(asWorker)).toEqual({ ...same, tenant: '*' });
    }
    const after = sql`SELECT coalesce(current_setting('app.tenant_id', true), '') AS tenant`;
    expect(await db.row(after)).toEqual({ tenant: '' });
  });

  it('that fails leaves nothing, and its connection is used again', async () => {
    const failing = sql`WITH made AS (${add('a')}) SELECT 1 / ${0}::integer FROM made`;
    for (let time = 0; time < 5; time++) {
      await expect(db.writeAtOnce(asWorker, (tx) => tx.rows(failing))).rejects.toThrow('division by zero');
    }
    expect(await count()).toBe(0);
    expect(await db.writeAtOnce(asWorker, (tx) => tx.execute(add('b')))).toBe(1);
    expect(db.pool.totalCount).toBe(1);
  });

  it('that PostgreSQL cannot parse spoils no later one of its connection', async () => {
    for (let time = 0; time < 5; time++) {
      await expect(
        db.writeAtOnce(asWorker, (tx) => tx.rows(sql`SELECT no_such_column + ${1}`)),
      ).rejects.toThrow();
      expect(await settingsOf(asWorker)).toMatchObject({ one: 1 });
    }
  });

  it('is told after its commit, and announced like any other', async () => {
    const told: unknown[] = [];
    db.onCommit(async (_, tags) => void told.push(tags, await count()));
    await db.writeAtOnce(asWorker, async (tx) => {
      tx.invalidate('tenants');
      return tx.rows(add('a'));
    });
    expect(told).toEqual([['tenants'], 1]);
  });

  it('is no more than one', async () => {
    const twice = db.writeAtOnce(asWorker, async (tx) => {
      await tx.rows(add('a'));
      await tx.rows(add('b'));
    });
    await expect(twice).rejects.toThrow('one statement');
    expect(await count()).toBe(1);
  });

  it('with an Idempotency-Key keeps its reply, in a transaction with it', async () => {
    const send = () => db.writeAtOnce(requestOf(undefined, keyed('key')), (tx) => tx.rows(add('a')));
    expect([await send(), await send()]).toEqual([[{ name: 'a' }], [{ name: 'a' }]]);
    expect(await count()).toBe(1);
  });

  it('may have no values', async () => {
    const query = sql`SELECT current_setting('app.tenant_id') AS tenant`;
    for (let time = 0; time < 4; time++) {
      expect(await db.writeAtOnce(asWorker, (tx) => tx.row(query))).toEqual({ tenant: '*' });
    }
  });

  it('that lost a race for its rows is run again', async () => {
    let attempts = 0;
    await db.writeAtOnce(asWorker, async (tx) => {
      if (++attempts === 1) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
      return tx.rows(add('a'));
    });
    expect([attempts, await count()]).toEqual([2, 1]);
  });
});

describe('a read that is one statement', () => {
  it('is that of its tenant, and is tried once more when its connection dies', async () => {
    const reader = requestOf(tenantOf(newId()));
    const query = sql`SELECT current_setting('app.tenant_id') AS tenant, pg_backend_pid() AS pid`;
    const [first] = await db.readAtOnce<{ tenant: string; pid: number }>(reader, query);
    expect(first?.tenant).toBe(reader.principal.tenantId);
    await owner.query('SELECT pg_terminate_backend($1)', [first?.pid]);
    const [second] = await db.readAtOnce<{ tenant: string; pid: number }>(reader, query);
    expect(second?.pid).not.toBe(first?.pid);
  });
});
