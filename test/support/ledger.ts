import type pg from 'pg';
import type { CleaningPolicy } from '../../src/modules/allocations/cleaning/gate.ts';
import { CleaningTimeouts } from '../../src/modules/allocations/cleaning/timeouts.ts';
import { Drain } from '../../src/modules/allocations/life/drain.ts';
import { Expiry } from '../../src/modules/allocations/life/expiry.ts';
import { stepsWith } from '../../src/modules/allocations/life/transition.ts';
import { replicaOf, type TestService } from './service.ts';

/** The setting with which nobody sweeps while a test runs. */
export const unswept = { ALLOCATION_SWEEP_INTERVAL_MS: '60000' };

/** Puts the deadline of an allocation so many milliseconds ahead of now, or behind; and its beginning into the past. */
export async function setDeadline(owner: pg.Pool, allocationId: string, aheadMs: number): Promise<void> {
  const client = await owner.connect();
  await client.query('BEGIN');
  await client.query(lockGpus, [allocationId]);
  await client.query(moveDeadline, [allocationId, aheadMs]);
  await client.query('COMMIT');
  client.release();
}

/** First, as everybody does: else this and a release of the same allocation wait for each other. */
const lockGpus = `SELECT FROM inventory.gpu_state
  WHERE gpu_id IN (SELECT gpu_id FROM inventory.allocation_gpu WHERE allocation_id = $1 AND released_at IS NULL)
  ORDER BY gpu_id FOR NO KEY UPDATE`;

const moveDeadline = `WITH moved AS (
    UPDATE inventory.allocation
       SET created_at = created_at - interval '1 hour',
           held_until = CASE state WHEN 'held' THEN clock_timestamp() + make_interval(secs => $2 / 1000.0) ELSE held_until END,
           expires_at = CASE state WHEN 'active' THEN clock_timestamp() + make_interval(secs => $2 / 1000.0) ELSE expires_at END
     WHERE id = $1 RETURNING *)
  UPDATE inventory.allocation_gpu l SET created_at = m.created_at, held_until = m.held_until
    FROM moved m WHERE l.allocation_id = m.id AND l.released_at IS NULL`;

/**
 * GPUs whose counters differ from what the ledger says of them, or leave their bounds; physical GPUs that are in use as
 * such and through a partition at once.
 */
export async function ledgerFaults(owner: pg.Pool): Promise<object[]> {
  const { rows } = await owner.query(`
    WITH shares AS (
      SELECT gpu_id, units, 0 AS part, 0 AS part_memory, held_until FROM inventory.allocation_gpu WHERE released_at IS NULL
       UNION ALL
      SELECT root_gpu_id, root_units, root_units, root_memory_units, held_until FROM inventory.allocation_gpu
       WHERE released_at IS NULL AND root_gpu_id <> gpu_id
    ), recount AS (
      SELECT s.gpu_id, coalesce(sum(l.units), 0)::int AS used,
             coalesce(sum(l.units) FILTER (WHERE l.held_until IS NULL), 0)::int AS active,
             coalesce(sum(l.part), 0)::int AS part, coalesce(sum(l.part_memory), 0)::int AS part_memory,
             min(l.held_until) AS held, count(DISTINCT l.part > 0) AS ways
        FROM inventory.gpu_state s LEFT JOIN shares l USING (gpu_id) GROUP BY s.gpu_id)
    SELECT s.gpu_id, s.used_units, s.active_units, s.partition_units, s.partition_memory_units, s.held_until, r.*
      FROM inventory.gpu_state s JOIN recount r USING (gpu_id)
     WHERE (s.used_units, s.active_units, s.partition_units, s.partition_memory_units)
           <> (r.used, r.active, r.part, r.part_memory)
        OR s.held_until IS DISTINCT FROM r.held OR r.ways > 1
        OR NOT (0 <= s.active_units AND s.active_units <= s.used_units AND s.used_units <= s.total_units)
        OR s.partition_memory_units > s.total_units`);
  return rows;
}

/** Live allocations whose ledger rows are not live, and the other way about. */
export async function allocationFaults(owner: pg.Pool): Promise<object[]> {
  const { rows } = await owner.query(`
    SELECT a.id, a.state, l.gpu_id, l.released_at FROM inventory.allocation a
      JOIN inventory.allocation_gpu l ON l.allocation_id = a.id
     WHERE NOT (coalesce(l.released_at < coalesce(a.released_at, 'infinity'), false) AND EXISTS (
             SELECT FROM inventory.change c WHERE c.type = 'allocation.moved' AND c.subject_id = a.id::text))
       AND ((a.state IN ('held', 'active')) <> (l.released_at IS NULL)
        OR l.released_at IS DISTINCT FROM a.released_at
        OR (a.state = 'held') <> (l.held_until IS NOT NULL AND l.released_at IS NULL))`);
  return rows;
}

/** Tenants whose counted use differs from what the ledger adds up to, or whose limits differ from their quotas. */
export async function quotaFaults(owner: pg.Pool): Promise<object[]> {
  const { rows } = await owner.query(`
    SELECT t.id, t.quotas, u.*, l.* FROM inventory.tenant t
      LEFT JOIN inventory.tenant_usage u ON u.tenant_id = t.id, LATERAL (
        SELECT coalesce(sum(l.root_units), 0) AS gpus, coalesce(sum(l.memory_mb), 0) AS memory,
               coalesce(sum(l.root_units) FILTER (WHERE l.held_until IS NOT NULL), 0) AS held,
               coalesce(sum(l.price_per_hour_nano_usd), 0) AS price
          FROM inventory.allocation a JOIN inventory.allocation_gpu l ON l.allocation_id = a.id
         WHERE a.tenant_id = t.id AND l.released_at IS NULL) l
     WHERE (u.gpu_units, u.memory_mb, u.held_units, u.price_per_hour_nano_usd) <> (l.gpus, l.memory, l.held, l.price)
        OR jsonb_strip_nulls(coalesce(t.quotas, '{}')) <> jsonb_strip_nulls(jsonb_build_object(
             'maxGpus', u.max_gpu_units / 1000, 'maxMemoryMb', u.max_memory_mb, 'maxHeldGpus', u.max_held_units / 1000,
             'maxPricePerHourNanoUsd', u.max_price_per_hour_nano_usd::text))`);
  return rows;
}

/** What holds, drains and cleanings are swept with. */
export interface Sweepers {
  expiry: Expiry;
  drain: Drain;
  cleaning: CleaningTimeouts;
  close(): Promise<void>;
}

/** `cleaning` as the settings have it, unless a test says otherwise; of a further replica, unless it brings a `db`. */
export function createSweepers(
  service: TestService,
  cleaning: CleaningPolicy = { required: false, timeoutS: 900 },
  db = replicaOf(service),
): Sweepers {
  const step = stepsWith(cleaning);
  return {
    expiry: new Expiry(db, step),
    drain: new Drain(db, step),
    cleaning: new CleaningTimeouts(db),
    close: () => db.close(),
  };
}

/** The GPUs of an allocation in the order of registration, which is that of the tests' lists; answers have them by id. */
export async function inOrder(owner: pg.Pool, { gpus }: { gpus: { gpuId: string }[] }): Promise<string[]> {
  const { rows } = await owner.query<{ gpu_id: string }>(
    'SELECT gpu_id FROM inventory.gpu_state WHERE gpu_id = ANY($1) ORDER BY node_seq, seq',
    [gpus.map(({ gpuId }) => gpuId)],
  );
  return rows.map(({ gpu_id }) => gpu_id);
}
