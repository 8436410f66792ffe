import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import sql from 'sql-template-tag';
import type { Database } from '../../src/kernel/db/database.ts';
import { housekeeping } from '../../src/kernel/housekeeping.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addTenant, keyed, openDatabase, requestOf } from '../support/kernel.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

let server: TestDatabase;
let owner: pg.Pool;
let proxy: TcpProxy;
/** Two replicas; the first behind a wire that can be cut. */
let db: Database;
let replica: Database;

beforeAll(async () => {
  server = await createDatabase();
  owner = new pg.Pool({ connectionString: server.ownerUrl, max: 4 });
  proxy = await startTcpProxy(Number(new URL(server.url).port));
});
afterAll(async () => {
  await proxy.close();
  await owner.end();
  await server.drop();
});
beforeEach(() => {
  const url = new URL(server.url);
  url.port = String(proxy.port);
  db = openDatabase(url.href);
  replica = openDatabase(server.url);
});
afterEach(async () => {
  await Promise.all([db.close(), replica.close()]);
  await owner.query(
    'DELETE FROM inventory.tenant; DELETE FROM inventory.change; DELETE FROM inventory.idempotency_key',
  );
});

type Made = { id: string; name: string };

/** A POST with the key: it makes a tenant. */
const post = (key: string, { on = db, body = 'a', secret = '' } = {}): Promise<Made> =>
  on.write(requestOf(undefined, keyed(key, body, secret)), (tx) => addTenant(tx, body));

const effects = async (): Promise<number> =>
  (await owner.query('SELECT FROM inventory.tenant')).rowCount ?? 0;

/** A write that holds its key until it is let go. */
function holding(on: Database, key: string) {
  let go = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  let held = () => {};
  const claimed = new Promise<void>((resolve) => (held = resolve));
  const made = on.write(requestOf(undefined, keyed(key)), async (tx) => {
    held();
    await gate;
    return addTenant(tx, 'a');
  });
  return { claimed, go, made };
}

describe('twenty twins at once', () => {
  it.each([
    ['in one process', () => [db]],
    ['on two replicas', () => [db, replica]],
  ])('%s have one effect and one reply', async (_where, replicas) => {
    const on = replicas();
    const twins = Array.from({ length: 20 }, (_, i) => post('k', { on: on[i % on.length] ?? db }));
    const replies = await Promise.all(twins);
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1);
    expect(await effects()).toBe(1);
  });

  it('take one connection together', async () => {
    await Promise.all(Array.from({ length: 20 }, () => post('k')));
    expect(db.pool.totalCount).toBe(1);
  });
});

describe('a repeated request', () => {
  it('gets the kept reply, and is marked', async () => {
    const first = await post('k');
    const request = requestOf(undefined, keyed('k', 'a'));
    const again = await replica.write(request, (tx) => addTenant(tx, 'never'));
    expect([again, request.idempotency?.replayed, await effects()]).toEqual([first, true, 1]);
  });

  it('gets an empty reply back as one', async () => {
    const write = () =>
      db.write(requestOf(undefined, keyed('k')), async (tx) => void (await addTenant(tx, 'a')));
    await write();
    expect([await write(), await effects()]).toEqual([null, 1]);
  });

  it('with another body is refused, 422', async () => {
    await post('k');
    await expect(post('k', { body: 'b' })).rejects.toMatchObject({
      status: 422,
      code: 'idempotency.key_reused',
    });
    expect(await effects()).toBe(1);
  });

  it('of a request that failed runs: an error frees the key', async () => {
    const failed = db.write(requestOf(undefined, keyed('k')), async (tx) => {
      await addTenant(tx, 'a');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await post('k', { body: 'b' });
    expect(await effects()).toBe(1);
  });

  it('runs anew, with another body too, when 24 hours have passed', async () => {
    const first = await post('k');
    const age = (hours: number) =>
      owner.query(
        `UPDATE inventory.idempotency_key SET created_at = clock_timestamp() - make_interval(mins => $1)`,
        [hours * 60],
      );
    await age(23.9);
    expect(await post('k')).toEqual(first);
    await age(24.1);
    const second = await post('k', { body: 'b' });
    expect(second.id).not.toBe(first.id);
    expect(await post('k', { body: 'b' })).toEqual(second);
    expect(await effects()).toBe(2);
  });
});

describe('a twin in flight', () => {
  it.each([
    ['in the same process', () => db],
    ['on another replica', () => replica],
  ])('%s is waited for, then 409', async (_where, where) => {
    const first = holding(db, 'k');
    await first.claimed;
    await expect(post('k', { on: where(), body: '' })).rejects.toMatchObject({
      status: 409,
      code: 'idempotency.in_progress',
      headers: { 'retry-after': '1' },
    });
    first.go();
    const made = await first.made;
    expect(await post('k', { on: where(), body: '' })).toEqual(made);
    expect(await effects()).toBe(1);
  });

  it('that fails lets the one who waits run', async () => {
    const first = holding(db, 'k');
    await first.claimed;
    const second = post('k', { on: replica, body: '' });
    const waiting = () =>
      owner.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
    await until('the twin waits', async () => (await waiting()).rowCount === 1);
    await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE state = 'idle in transaction' AND usename = 'inv_app' AND datname = current_database()`,
    );
    const made = await second;
    first.go();
    expect([await first.made, await effects()]).toEqual([made, 1]);
  });
});

describe('a COMMIT whose answer is lost', () => {
  /** Cuts the wire when the COMMIT of `write` has arrived and its answer has not. */
  async function loseCommit<T>(write: () => Promise<T>): Promise<T> {
    proxy.holdAnswersTo('COMMIT');
    const told = write();
    told.catch(() => {});
    await until('it is committed', async () => (await effects()) === 1);
    proxy.lead(Number(new URL(server.url).port));
    proxy.hold(null);
    return told;
  }

  it('is found by its key: one effect, acknowledged', async () => {
    let [calls, tags] = [0, 0];
    db.onCommit(async (_changes, committed) => {
      tags += committed.length;
    });
    const made = await loseCommit(() =>
      db.write(requestOf(undefined, keyed('k')), (tx) => {
        calls++;
        return addTenant(tx, 'a');
      }),
    );
    const { rows } = await owner.query('SELECT id FROM inventory.tenant');
    expect([rows, calls]).toEqual([[{ id: made.id }], 1]);
    expect(tags).toBe(1);
  });

  it('is 503 without a key, and caches are told all the same', async () => {
    const tags: string[] = [];
    db.onCommit(async (_changes, committed) => void tags.push(...committed));
    const lost = loseCommit(() => db.write(requestOf(), (tx) => addTenant(tx, 'a')));
    await expect(lost).rejects.toMatchObject({ status: 503, code: 'dependency.unavailable' });
    const { rows } = await owner.query('SELECT id FROM inventory.tenant');
    expect(tags).toEqual([`tenant:${rows[0].id}`]);
  });
});

describe('a kept reply that shows a secret', () => {
  const secret = 'dpi_live_the-secret-that-is-shown-once';
  const write = (apiKey: string) =>
    db.write(requestOf(undefined, keyed('k', '', apiKey)), async (tx) => {
      await addTenant(tx, 'a');
      return { key: secret };
    });

  it('is shown again to the same caller only', async () => {
    await write('mine');
    expect(await write('mine')).toEqual({ key: secret });
    await expect(write('theirs')).rejects.toMatchObject({ status: 422, code: 'idempotency.key_reused' });
  });

  it('cannot be read in a dump, nor guessed from two of them', async () => {
    await write('mine');
    const kept = async (): Promise<Buffer> =>
      (await owner.query<{ reply: Buffer }>('SELECT reply FROM inventory.idempotency_key')).rows[0]?.reply ??
      Buffer.alloc(0);
    const first = await kept();
    expect(first.length).toBeGreaterThan(secret.length);
    expect(first.toString('latin1')).not.toContain('secret');
    await owner.query('DELETE FROM inventory.idempotency_key');
    await write('mine');
    expect(await kept()).not.toEqual(first);
  });
});

it('keys older than a day are pruned in bites', async () => {
  await owner.query(`INSERT INTO inventory.idempotency_key (id, fingerprint, created_at)
    SELECT int4send(n), '', clock_timestamp() - CASE WHEN n <= 5001 THEN interval '25 hours' ELSE interval '1 hour' END
      FROM generate_series(1, 5003) n`);
  const prune = housekeeping(db, []).find(({ name }) => name === 'core.prune_idempotency_keys');
  const left = async () =>
    (await db.row<{ n: number }>(sql`SELECT count(*) AS n FROM inventory.idempotency_key`))?.n;
  await prune?.run();
  expect(await left()).toBe(3);
  await prune?.run();
  expect(await left()).toBe(2);
});
