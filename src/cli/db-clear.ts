import type { Client } from 'pg';
import type { Outcome } from './command.ts';
import { withClient } from './database.ts';

/** What stays: who may get in as an operator, the catalogue, policies, and what replicas share. */
const kept = ['api_key', 'change', 'gpu_model', 'instance', 'level_policy', 'service_secret', 'tenant'];

/** Shown as a replica for five seconds after the data went: services that run then drop what they have cached. */
export const clearedMark = '00000000-0000-0000-0000-000000000000';

/**
 * Empties the database in one transaction: providers, nodes, GPUs, all that was observed of them, allocations, tenants,
 * their keys and their history. A running service stays usable: see `kept`.
 */
export async function clear(ownerUrl: string): Promise<Outcome> {
  const tables = await withClient(ownerUrl, async (client) => {
    await client.query(`BEGIN; SET LOCAL lock_timeout = '10s'`);
    const names = await tablesOf(client);
    await client.query(`TRUNCATE ${names.map((name) => `inventory.${name}`).join(', ')}`);
    await client.query(`DELETE FROM inventory.api_key WHERE role <> 'operator'`);
    await client.query('DELETE FROM inventory.tenant');
    await keepHistoryOfTheKept(client);
    await client.query(
      `INSERT INTO inventory.instance (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()`,
      [clearedMark],
    );
    await client.query('COMMIT');
    return names;
  });
  return { result: { cleared: tables }, lines: [`${tables.length} tables are empty.`] };
}

/** The tables that are emptied as a whole; partitions go with their parents. */
async function tablesOf(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = 'inventory'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname <> ALL ($1) ORDER BY 1`,
    [kept],
  );
  return rows.map(({ name }) => name);
}

/** Copying the few rows that stay is quicker than deleting the many that go. */
async function keepHistoryOfTheKept(client: Client): Promise<void> {
  await client.query(`
    CREATE TEMP TABLE kept_change ON COMMIT DROP AS
      SELECT c.* FROM inventory.change c
       WHERE (c.subject_type = 'api_key' AND c.subject_id IN (SELECT id::text FROM inventory.api_key))
          OR (c.subject_type = 'gpu_model' AND c.subject_id IN (SELECT id FROM inventory.gpu_model));
    TRUNCATE inventory.change;
    INSERT INTO inventory.change OVERRIDING SYSTEM VALUE SELECT * FROM kept_change`);
}
