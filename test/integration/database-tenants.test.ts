import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import sql from 'sql-template-tag';
import type { Principal } from '../../src/kernel/context.ts';
import type { Database } from '../../src/kernel/db/database.ts';
import { createDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { addTenant, asWorker, openDatabase, operator, requestOf, tenantOf } from '../support/kernel.ts';

let server: TestDatabase;
let owner: pg.Pool;
/** One connection: whatever a transaction leaves behind, the next one would meet. */
let db: Database;
let [mine, theirs] = ['', ''];

beforeAll(async () => {
  server = await createDatabase();
  owner = new pg.Pool({ connectionString: server.ownerUrl, max: 2 });
  db = openDatabase(server.url, 1);
  [mine, theirs] = await db.write(asWorker, async (tx) => [
    (await addTenant(tx, 'mine')).id,
    (await addTenant(tx, 'theirs')).id,
  ]);
  for (const tenant of [mine, theirs]) {
    await owner.query(`INSERT INTO inventory.allocation (id, tenant_id, state) VALUES ($1, $2, 'active')`, [
      randomUUID(),
      tenant,
    ]);
  }
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await server.drop();
});

/** What a query that forgets the tenant sees as `principal`. */
const seenBy = async (principal: Principal): Promise<string[]> => {
  const query = sql`SELECT tenant_id FROM inventory.allocation`;
  const rows = await db.read(requestOf(principal), (tx) => tx.rows<{ tenantId: string }>(query));
  return rows.map(({ tenantId }) => tenantId).sort();
};

describe('allocations', () => {
  it('of others are not there for a tenant, whatever a query forgets', async () => {
    expect(await seenBy(tenantOf(mine))).toEqual([mine]);
    expect(await seenBy(tenantOf(theirs))).toEqual([theirs]);
    expect(await seenBy(tenantOf(randomUUID()))).toEqual([]);
  });

  it('are all there for operators and the service itself', async () => {
    const both = [mine, theirs].sort();
    expect(await seenBy(operator)).toEqual(both);
    const rows = await db.write(asWorker, (tx) => tx.rows(sql`SELECT FROM inventory.allocation`));
    expect(rows).toHaveLength(2);
  });

  it('are none for a tenant that has no id', async () => {
    expect(await seenBy({ ...tenantOf(mine), tenantId: null })).toEqual([]);
    expect(await seenBy(tenantOf("' OR true --"))).toEqual([]);
  });

  it('of others can be neither changed nor made', async () => {
    const changed = await db.write(requestOf(tenantOf(mine)), (tx) =>
      tx.execute(sql`UPDATE inventory.allocation SET purpose = 'x' WHERE tenant_id = ${theirs}`),
    );
    expect(changed).toBe(0);
    const made = db.write(requestOf(tenantOf(mine)), (tx) =>
      tx.execute(
        sql`INSERT INTO inventory.allocation (id, tenant_id, state) VALUES (${randomUUID()}, ${theirs}, 'active')`,
      ),
    );
    await expect(made).rejects.toMatchObject({ code: '42501' });
  });

  it('are none outside a transaction that says who asks', async () => {
    expect(await db.rows(sql`SELECT FROM inventory.allocation`)).toEqual([]);
  });
});

describe('the tenant of a transaction', () => {
  const setting = sql`SELECT coalesce(current_setting('app.tenant_id', true), '') AS tenant`;

  it.each([
    ['committed', async () => {}],
    ['rolled back', () => Promise.reject(new Error('no'))],
  ])('is forgotten by the connection once it is %s', async (_how, end) => {
    const inside = db.write(requestOf(tenantOf(mine)), async (tx) => {
      const seen = await tx.rows(setting);
      await end();
      return seen;
    });
    await inside.then(
      (seen) => expect(seen).toEqual([{ tenant: mine }]),
      ({ message }) => expect(message).toBe('no'),
    );
    expect(await db.rows(setting)).toEqual([{ tenant: '' }]);
    expect(db.pool.totalCount).toBe(1);
  });
});

describe('the role of the service', () => {
  it.each([
    ['DROP TABLE inventory.gpu'],
    ['ALTER TABLE inventory.gpu ADD COLUMN x int'],
    ['ALTER TABLE inventory.allocation DISABLE ROW LEVEL SECURITY'],
    ['DROP POLICY allocation_tenant_isolation ON inventory.allocation'],
    ['TRUNCATE inventory.provider'],
    ['CREATE TABLE inventory.x (y int)'],
    ['CREATE TABLE public.x (y int)'],
    ['UPDATE inventory.change SET actor_id = NULL'],
    ['DELETE FROM inventory.change'],
    ['SELECT * FROM pg_authid'],
    ["SELECT pg_read_file('/etc/passwd')"],
    ["COPY inventory.provider TO PROGRAM 'cat'"],
    ["COPY inventory.provider FROM '/etc/passwd'"],
    ['SET ROLE postgres'],
    ['SET session_replication_role = replica'],
    ['ALTER ROLE inv_app SUPERUSER'],
    ['DELETE FROM public._prisma_migrations'],
  ])('may not %s', async (statement) => {
    const attempt = withClient(server.url, (client) => client.query(statement));
    await expect(attempt).rejects.toMatchObject({ code: '42501' });
  });

  it('is bound by row-level security', async () => {
    const { rows } = await owner.query(
      `SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = 'inv_app'`,
    );
    expect(Object.values(rows[0])).toEqual([false, false, false, false, false]);
  });
});
