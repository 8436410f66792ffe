import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import sql, { raw } from 'sql-template-tag';
import type { Database } from '../../src/kernel/db/database.ts';
import type { Transaction } from '../../src/kernel/db/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addTenant, asWorker, openDatabase } from '../support/kernel.ts';
import { until } from '../support/until.ts';

let server: TestDatabase;
let owner: pg.Pool;
let db: Database;

beforeAll(async () => {
  server = await createDatabase();
  owner = new pg.Pool({ connectionString: server.ownerUrl, max: 4 });
});
afterAll(async () => {
  await owner.end();
  await server.drop();
});
beforeEach(() => {
  db = openDatabase(server.url);
});
afterEach(async () => {
  await db.close();
  await owner.query('DELETE FROM inventory.tenant; DELETE FROM inventory.change');
});

const tenants = async (): Promise<string[]> =>
  (await owner.query<{ name: string }>('SELECT name FROM inventory.tenant ORDER BY name')).rows.map(
    ({ name }) => name,
  );

describe('a write', () => {
  it('is one transaction: effect and change row', async () => {
    const { id } = await db.write(asWorker, (tx) => addTenant(tx, 'a'));
    const { rows } = await owner.query('SELECT subject_id, actor_type, actor_id FROM inventory.change');
    expect(rows).toEqual([{ subject_id: id, actor_type: 'service', actor_id: 'test' }]);
  });

  it('that throws leaves nothing, and its connection is used again', async () => {
    const failed = db.write(asWorker, async (tx) => {
      await addTenant(tx, 'a');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await tenants()).toEqual([]);
    expect(db.pool.totalCount).toBe(1);
  });

  it('is not acknowledged where an error inside was swallowed: there was no COMMIT', async () => {
    const swallowed = db.write(asWorker, async (tx) => {
      await addTenant(tx, 'a');
      await tx.execute(sql`SELECT 1 / 0`).catch(() => {});
    });
    await expect(swallowed).rejects.toThrow('rolled back');
    expect(await tenants()).toEqual([]);
  });

  it('is seen by those who are told of it, in their order, and only then answered', async () => {
    const told: unknown[] = [];
    db.onCommit(async (changes, tags) => {
      told.push(['first', await tenants(), changes.map(({ type }) => type), tags.length]);
    });
    db.onCommit(async () => void told.push('second'));
    await db.write(asWorker, (tx) => addTenant(tx, 'a'));
    expect(told).toEqual([['first', ['a'], ['tenant.created'], 1], 'second']);
  });

  it('tells nobody when it was rolled back, or changed nothing', async () => {
    let told = 0;
    db.onCommit(async () => void told++);
    await expect(
      db.write(asWorker, async (tx) => {
        await addTenant(tx, 'a');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await db.write(asWorker, (tx) => tx.rows(sql`SELECT 1`));
    expect(told).toBe(0);
  });

  it('holds although somebody who is told of it fails', async () => {
    const told: string[] = [];
    db.onCommit(async () => {
      throw new Error('the cache is broken');
    });
    db.onCommit(async () => void told.push('second'));
    await db.write(asWorker, (tx) => addTenant(tx, 'a'));
    expect([await tenants(), told]).toEqual([['a'], ['second']]);
  });
});

describe('a savepoint', () => {
  const failing = async (tx: Transaction, name: string) => {
    await addTenant(tx, name);
    await tx.execute(sql`SELECT 1 / 0`);
  };

  it('undoes a failed item alone, with its changes and tags', async () => {
    let seen: unknown;
    db.onCommit(async (changes, tags) => {
      seen = [changes.length, tags.length];
    });
    await db.write(asWorker, async (tx) => {
      await tx.savepoint(() => addTenant(tx, 'a'));
      await expect(tx.savepoint(() => failing(tx, 'b'))).rejects.toThrow('division by zero');
      await tx.savepoint(() => addTenant(tx, 'c'));
    });
    expect([await tenants(), seen]).toEqual([
      ['a', 'c'],
      [2, 2],
    ]);
  });

  it('nests: the inner failure is the inner one’s, the outer failure undoes both', async () => {
    await db.write(asWorker, async (tx) => {
      await tx.savepoint(async () => {
        await addTenant(tx, 'a');
        await expect(tx.savepoint(() => failing(tx, 'b'))).rejects.toThrow();
        await addTenant(tx, 'c');
      });
      const outer = tx.savepoint(async () => {
        await tx.savepoint(() => addTenant(tx, 'd'));
        throw new Error('no');
      });
      await expect(outer).rejects.toThrow('no');
    });
    expect(await tenants()).toEqual(['a', 'c']);
  });
});

describe('a lost race', () => {
  const lose = (tx: Transaction, state: string) =>
    tx.execute(sql`${raw(`DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '${state}'; END $$`)}`);

  it.each(['40001', '40P01'])('(%s) is run again, and counts once', async (state) => {
    let [attempts, told] = [0, 0];
    db.onCommit(async (changes) => {
      told += changes.length;
    });
    await db.write(asWorker, async (tx) => {
      await addTenant(tx, 'a');
      if (++attempts < 4) await lose(tx, state);
    });
    expect([attempts, told, await tenants()]).toEqual([4, 1, ['a']]);
  });

  it('is given up after three more attempts, 409', async () => {
    let attempts = 0;
    const write = db.write(asWorker, async (tx) => {
      attempts++;
      await lose(tx, '40001');
    });
    await expect(write).rejects.toMatchObject({ status: 409, code: 'request.concurrent_update' });
    expect(attempts).toBe(4);
  });

  it('is the only thing that is run again', async () => {
    let attempts = 0;
    const write = db.write(asWorker, async (tx) => {
      attempts++;
      await lose(tx, '23505');
    });
    await expect(write).rejects.toMatchObject({ status: 409, code: 'request.conflict' });
    expect(attempts).toBe(1);
  });

  it('between writers that lock in opposite order is won by both in the end', async () => {
    const [a, b] = await db.write(asWorker, async (tx) => [
      await addTenant(tx, 'a'),
      await addTenant(tx, 'b'),
    ]);
    const lock = (tx: Transaction, { id }: { id: string }) =>
      tx.execute(sql`UPDATE inventory.tenant SET version = version + 1 WHERE id = ${id}`);
    let attempts = 0;
    let both = () => {};
    const bothHoldOne = new Promise<void>((resolve) => (both = resolve));
    const write = (first: { id: string }, second: { id: string }) =>
      db.write(asWorker, async (tx) => {
        await lock(tx, first);
        if (++attempts === 2) both();
        await bothHoldOne;
        await lock(tx, second);
      });
    await Promise.all([write(a, b), write(b, a)]);
    expect(attempts).toBe(3);
    const { rows } = await owner.query('SELECT DISTINCT version::int FROM inventory.tenant');
    expect(rows).toEqual([{ version: 3 }]);
  });

  it('in a storm of writers in all orders is told as one, and counts are exact', async () => {
    const rows = await db.write(asWorker, async (tx) => [
      await addTenant(tx, 'a'),
      await addTenant(tx, 'b'),
      await addTenant(tx, 'c'),
    ]);
    const write = (order: { id: string }[]) =>
      db.write(asWorker, async (tx) => {
        for (const { id } of order)
          await tx.execute(sql`UPDATE inventory.tenant SET version = version + 1 WHERE id = ${id}`);
      });
    const orders = Array.from({ length: 20 }, (_, i) => (i % 2 ? rows : rows.toReversed()));
    const outcomes = await Promise.allSettled(orders.map(write));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    // One statement may wait for several locks in turn: the statement's time-out can come before any lock's.
    const lost = ['request.concurrent_update', 'resource.busy', 'dependency.unavailable', 'query.timeout'];
    for (const error of refused) expect(lost).toContain(error.code);
    const { rows: versions } = await owner.query('SELECT DISTINCT version::int FROM inventory.tenant');
    expect(versions).toEqual([{ version: 21 - refused.length }]);
  });
});

describe('a row that somebody else holds', () => {
  it('is 409 resource.busy after the lock time-out, and holds up nobody else', async () => {
    const { id } = await db.write(asWorker, (tx) => addTenant(tx, 'a'));
    const holder = await owner.connect();
    await holder.query('BEGIN; SELECT FROM inventory.tenant FOR UPDATE');
    const busy = db.write(asWorker, (tx) =>
      tx.execute(sql`UPDATE inventory.tenant SET name = 'b' WHERE id = ${id}`),
    );
    await db.write(asWorker, (tx) => addTenant(tx, 'c'));
    await expect(busy).rejects.toMatchObject({
      status: 409,
      code: 'resource.busy',
      headers: { 'retry-after': '1' },
    });
    await holder.query('ROLLBACK');
    holder.release();
    expect(await tenants()).toEqual(['a', 'c']);
  });
});

describe('a connection that dies', () => {
  const kill = (pid: number | undefined) => owner.query('SELECT pg_terminate_backend($1)', [pid]);
  const pidOf = async (tx: Pick<Transaction, 'rows'>): Promise<number | undefined> =>
    (await tx.rows<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`))[0]?.pid;

  it('under a write without a key is 503: its outcome is not known', async () => {
    let attempts = 0;
    const write = db.write(asWorker, async (tx) => {
      attempts++;
      await kill(await pidOf(tx));
      await addTenant(tx, 'a');
    });
    await expect(write).rejects.toMatchObject({ status: 503, code: 'dependency.unavailable' });
    expect([attempts, await tenants()]).toEqual([1, []]);
  });

  it('while idle is not noticed by the next reader', async () => {
    await kill(await pidOf(db));
    await until('the pool has dropped it', () => db.pool.totalCount === 0);
    expect(await db.rows(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
  });

  it('under a read is replaced once', async () => {
    let attempts = 0;
    const seen = await db.read(asWorker, async (tx) => {
      const pid = await pidOf(tx);
      if (++attempts === 1) await kill(pid);
      return tx.rows(sql`SELECT 1 AS one`);
    });
    expect([attempts, seen]).toEqual([2, [{ one: 1 }]]);
  });

  it('twice under a read is 503', async () => {
    const read = db.read(asWorker, async (tx) => {
      await kill(await pidOf(tx));
      return tx.rows(sql`SELECT 1`);
    });
    await expect(read).rejects.toMatchObject({ status: 503 });
  });
});

describe('a read', () => {
  it('sees one snapshot and writes nothing', async () => {
    const counts = await db.read(asWorker, async (tx) => {
      const count = () => tx.rows<{ n: number }>(sql`SELECT count(*) AS n FROM inventory.tenant`);
      const before = await count();
      await db.write(asWorker, (other) => addTenant(other, 'a'));
      return [...before, ...(await count())];
    });
    expect(counts).toEqual([{ n: 0 }, { n: 0 }]);
    const write = db.read(asWorker, (tx) => tx.execute(sql`DELETE FROM inventory.tenant`));
    await expect(write).rejects.toMatchObject({ status: 503, code: 'dependency.unavailable' });
  });

  it('that takes too long is cut off, 503', async () => {
    const slow = db.read(asWorker, async (tx) => {
      await tx.execute(sql`SET LOCAL statement_timeout = '50ms'`);
      return tx.rows(sql`SELECT pg_sleep(5)`);
    });
    await expect(slow).rejects.toMatchObject({ status: 503, code: 'query.timeout' });
  });
});
