import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { runCommand, runJson } from '../support/command-line.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

interface Verified {
  ok: boolean;
  counts: Record<string, number>;
  checks: { check: string; broken: number; examples: { subject: string }[] }[];
}

let database: TestDatabase;
let owner: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  owner = new pg.Pool({ connectionString: database.ownerUrl, max: 1 });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const db = <Answer = Record<string, unknown>>(...args: string[]) =>
  runJson<Answer>(['db', ...args], { DATABASE_URL: database.ownerUrl });

describe('db seed', () => {
  it('fills an empty database with a network in every state', async () => {
    expect(await db('seed')).toEqual({ code: 0, answer: { providers: 8, nodes: 19, gpus: 87 } });
    const states = await rows(`
      SELECT (SELECT array_agg(DISTINCT liveness ORDER BY liveness) FROM inventory.node_heartbeat) AS liveness,
             (SELECT array_agg(DISTINCT health ORDER BY health) FROM inventory.gpu_state) AS health,
             (SELECT array_agg(state ORDER BY state) FROM inventory.allocation) AS allocations,
             (SELECT count(*)::int FROM inventory.gpu_state WHERE presence = 'missing') AS missing,
             (SELECT count(*)::int FROM inventory.gpu_state WHERE level1_until IS NOT NULL) AS verified,
             (SELECT array_agg(DISTINCT g.name) FROM inventory.gpu_state s JOIN inventory.gpu g ON g.id = s.gpu_id
               WHERE s.model_id = 'uncatalogued') AS uncatalogued,
             (SELECT array_agg(DISTINCT kind) FROM inventory.finding WHERE state = 'open') AS findings`);
    expect(states).toEqual([
      {
        liveness: ['offline', 'online', 'pending'],
        health: ['failed', 'unknown', 'warning'],
        allocations: ['active', 'active', 'active', 'held', 'released'],
        missing: 1,
        verified: 8,
        uncatalogued: ['Inference Card P1'],
        findings: ['spec_mismatch'],
      },
    ]);
  });

  it('leaves nobody with a key, and keeps every invariant', async () => {
    expect(
      await rows('SELECT count(*)::int FROM inventory.api_key WHERE origin = $1 AND revoked_at IS NULL', [
        'issued',
      ]),
    ).toEqual([{ count: 0 }]);
    const { code, answer } = await db<Verified>('verify');
    expect(answer.checks.filter(({ broken }) => broken > 0)).toEqual([]);
    expect({ code, ok: answer.ok, ...answer.counts }).toMatchObject({
      code: 0,
      ok: true,
      providers: 8,
      gpus: 87,
    });
  });

  it('refuses a database that has providers, and with --force adds beside them', async () => {
    expect(await db('seed')).toEqual({
      code: 3,
      answer: { error: 'There are providers already: --force adds the seed beside them.' },
    });
    expect(await db('seed', '--force')).toMatchObject({ code: 0 });
    const { code, answer } = await db<Verified>('verify');
    expect({ code, ...answer.counts }).toMatchObject({ code: 0, providers: 16, nodes: 38, gpus: 174 });
  });
});

describe('db verify', () => {
  /** Breaks the database as its owner can, past all triggers; `undo` mends it. */
  async function withDamage(statement: string, undo: string): Promise<string[]> {
    await owner.query(`SET session_replication_role = replica; ${statement}`);
    const { code, answer } = await db<Verified>('verify');
    expect(code).toBe(1);
    await owner.query(undo);
    return answer.checks.filter(({ broken }) => broken > 0).map(({ check }) => check);
  }

  it('finds units that the ledger does not have', async () => {
    const one = `(SELECT min(gpu_id::text)::uuid FROM inventory.gpu_state WHERE used_units = 0)`;
    const [gpu] = await rows<{ id: string }>(`SELECT ${one} AS id`);
    expect(
      await withDamage(
        `UPDATE inventory.gpu_state SET used_units = 1000 WHERE gpu_id = '${gpu?.id}'`,
        `UPDATE inventory.gpu_state SET used_units = 0 WHERE gpu_id = '${gpu?.id}'`,
      ),
    ).toEqual(['stale-share-counter']);
  });

  it('finds a version without its change', async () => {
    expect(
      await withDamage(
        'UPDATE inventory.node SET version = version + 1 WHERE hostname = $$attic$$',
        'UPDATE inventory.node SET version = version - 1 WHERE hostname = $$attic$$',
      ),
    ).toEqual(['unrecorded-node-version']);
  });

  it('finds GPUs that lost their rows', async () => {
    expect(
      await withDamage(
        `CREATE TABLE inventory.stolen AS SELECT * FROM inventory.gpu_state WHERE used_units = 0 LIMIT 1;
         DELETE FROM inventory.gpu_state WHERE gpu_id IN (SELECT gpu_id FROM inventory.stolen)`,
        `DO $$
         DECLARE kept text := (SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
           WHERE table_schema = 'inventory' AND table_name = 'gpu_state' AND is_generated = 'NEVER');
         BEGIN
           EXECUTE format('INSERT INTO inventory.gpu_state (%s) SELECT %s FROM inventory.stolen', kept, kept);
         END $$;
         DROP TABLE inventory.stolen`,
      ),
    ).toEqual(['gpu-rows']);
  });

  it('shows people what is broken and where', async () => {
    const id = await damageOneReply();
    const { code, stdout } = await runCommand(['db', 'verify'], { DATABASE_URL: database.ownerUrl });
    await owner.query('DELETE FROM inventory.idempotency_key');
    expect(code).toBe(1);
    expect(stdout).toContain(`one-reply-per-key:\n  ${id}\n`);
    expect(stdout).toMatch(/1 of \d+ checks found faults\.$/);
  });
});

describe('db clear', () => {
  it('deletes nothing without --force', async () => {
    expect(await db('clear')).toMatchObject({ code: 3 });
    expect(await rows('SELECT count(*)::int FROM inventory.provider')).toEqual([{ count: 16 }]);
  });

  it('empties everything but operator keys and the catalogue, which stay consistent', async () => {
    const models = await rows('SELECT count(*)::int FROM inventory.gpu_model');
    expect(await db('clear', '--force')).toMatchObject({ code: 0 });
    const { code, answer } = await db<Verified>('verify');
    expect({ code, ...answer.counts }).toMatchObject({
      code: 0,
      providers: 0,
      nodes: 0,
      gpus: 0,
      tenants: 0,
    });
    expect(await rows('SELECT count(*)::int FROM inventory.gpu_model')).toEqual(models);
    expect(await rows('SELECT DISTINCT role FROM inventory.api_key')).toEqual([{ role: 'operator' }]);
  });
});

describe('db reset', () => {
  it('is refused without --force, and while a service runs', async () => {
    expect(await db('reset')).toMatchObject({ code: 3 });
    await owner.query('INSERT INTO inventory.instance (id) VALUES (gen_random_uuid())');
    expect(await db('reset', '--force')).toEqual({
      code: 3,
      answer: { error: 'A service runs on this database: end it first.' },
    });
    await owner.query('DELETE FROM inventory.instance');
  });

  it('starts over from nothing', async () => {
    const { code, answer } = await db('reset', '--force', '--no-seed');
    expect({ code, undone: (answer.undone as []).length }).toEqual({
      code: 0,
      undone: (answer.applied as []).length,
    });
    expect(await rows('SELECT count(*)::int FROM inventory.change')).toEqual([{ count: 0 }]);
  });
});

async function rows<Row>(query: string, values: unknown[] = []): Promise<Row[]> {
  return (await owner.query(query, values)).rows as Row[];
}

/** An idempotency key that was committed without its reply. */
async function damageOneReply(): Promise<string> {
  await owner.query(`INSERT INTO inventory.idempotency_key (id, fingerprint) VALUES ('\\xab', '\\x00')`);
  return 'ab';
}
